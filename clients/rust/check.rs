//! How every program of clients/rust says what it checked, and how it waits.

use std::env;
use std::future::Future;
use std::panic::AssertUnwindSafe;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use futures_lite::{FutureExt, Stream, StreamExt};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

const WAIT_MAX: Duration = Duration::from_secs(60);

static FAILED: AtomicBool = AtomicBool::new(false);

/// Where the server listens for AMQP.
pub fn amqp_url() -> String {
    env::var("AMQP_URL").expect("AMQP_URL says where the server is")
}

/// Tries one thing. What is wrong is a panic, which ends nothing else.
pub async fn scenario(name: &str, run: impl Future<Output = ()>) {
    match AssertUnwindSafe(run).catch_unwind().await {
        Ok(()) => println!("ok: {name}"),
        Err(_) => {
            FAILED.store(true, Ordering::Relaxed);
            println!("FAILED: {name}");
        }
    }
}

/// Ends the program, with the tasks of its clients.
pub fn end() -> ! {
    std::process::exit(i32::from(FAILED.load(Ordering::Relaxed)))
}

/// Waits for what comes about by itself. The bound says that it never came; it measures nothing.
pub async fn until<Find: AsyncFnMut() -> bool>(what: &str, mut find: Find) {
    let start = Instant::now();
    while !find().await {
        assert!(start.elapsed() < WAIT_MAX, "{what} did not come");
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
}

pub async fn within<Value>(what: &str, future: impl Future<Output = Value>) -> Value {
    match tokio::time::timeout(WAIT_MAX, future).await {
        Ok(value) => value,
        Err(_) => panic!("{what} did not come"),
    }
}

pub async fn next<Item>(what: &str, stream: &mut (impl Stream<Item = Item> + Unpin)) -> Item {
    within(what, stream.next()).await.unwrap_or_else(|| panic!("an end, and not {what}"))
}

/// The text of the error has this in it.
pub fn fails<Value, Fault: std::fmt::Display>(result: Result<Value, Fault>, text: &str) {
    match result {
        Ok(_) => panic!("no error {text}"),
        Err(error) => assert!(error.to_string().contains(text), "{error} has not {text} in it"),
    }
}

async fn management(method: &str, path: &str) -> String {
    let url = env::var("MANAGEMENT_URL").expect("MANAGEMENT_URL says where the management API is");
    let host = url.trim_start_matches("http://");
    let mut socket = TcpStream::connect(host).await.expect("the management API");
    // guest:guest. HTTP/1.0 has no chunks, and an end.
    let request = format!("{method} /api/{path} HTTP/1.0\r\nHost: {host}\r\nAuthorization: Basic Z3Vlc3Q6Z3Vlc3Q=\r\n\r\n");
    socket.write_all(request.as_bytes()).await.expect("a request");
    let mut answer = String::new();
    socket.read_to_string(&mut answer).await.expect("an answer");
    answer.split_once("\r\n\r\n").map(|(_, body)| body.to_owned()).unwrap_or_default()
}

/// Closes the connection that its client gave this name, as an operator does.
pub async fn close_connection(own_name: &str) {
    until(&format!("connection {own_name} in the list"), async || {
        let list = management("GET", "connections?columns=name,user_provided_name").await;
        let connections: Vec<serde_json::Value> = serde_json::from_str(&list).expect("a list of connections");
        let Some(found) = connections.iter().find(|each| each["user_provided_name"] == own_name) else {
            return false;
        };
        let name = found["name"].as_str().expect("a name");
        let encoded: String = name.bytes().map(|byte| format!("%{byte:02X}")).collect();
        management("DELETE", &format!("connections/{encoded}")).await;
        true
    })
    .await;
}

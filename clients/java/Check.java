import java.net.URI;
import java.net.URLEncoder;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.Base64;
import java.util.Objects;
import java.util.concurrent.Callable;
import java.util.regex.Pattern;

/** How every program of clients/java says what it checked, and how it waits. */
final class Check {
    private static final long WAIT_NANOS_MAX = Duration.ofSeconds(60).toNanos();
    private static boolean failed;

    private Check() {}

    interface Scenario {
        void run() throws Exception;
    }

    static String redisUrl() {
        return System.getenv("REDIS_URL");
    }

    static String amqpUrl() {
        return System.getenv("AMQP_URL");
    }

    private static String management(String method, String path) throws Exception {
        var login = "Basic " + Base64.getEncoder().encodeToString("guest:guest".getBytes());
        var uri = URI.create(System.getenv("MANAGEMENT_URL") + "/api/" + path);
        var request = HttpRequest.newBuilder(uri).header("authorization", login).method(method, HttpRequest.BodyPublishers.noBody()).build();
        return HttpClient.newHttpClient().send(request, HttpResponse.BodyHandlers.ofString()).body();
    }

    /** Closes the connection that its client gave this name, as an operator does. */
    static void closeConnection(String ownName) throws Exception {
        var pattern = Pattern.compile("\\{\"name\":\"([^\"]+)\",\"user_provided_name\":\"" + ownName + "\"\\}");
        until("connection " + ownName + " in the list", () -> {
            var found = pattern.matcher(management("GET", "connections?columns=name,user_provided_name"));
            if (!found.find()) return false;
            management("DELETE", "connections/" + URLEncoder.encode(found.group(1), StandardCharsets.UTF_8).replace("+", "%20"));
            return true;
        });
    }

    static void equal(Object actual, Object expected) {
        if (!Objects.equals(actual, expected)) throw new AssertionError(actual + " is not " + expected);
    }

    /** The call throws, and the text of what it throws, or of its cause, has this in it. */
    static void fails(String text, Scenario call) {
        try {
            call.run();
        } catch (Exception error) {
            for (Throwable each = error; each != null; each = each.getCause())
                if (String.valueOf(each.getMessage()).contains(text)) return;
            throw new AssertionError("another error than " + text, error);
        }
        throw new AssertionError("no error " + text);
    }

    /** Waits for what comes about by itself. Its bound says that it never came; it measures nothing. */
    static void until(String what, Callable<Boolean> find) throws Exception {
        long deadline = System.nanoTime() + WAIT_NANOS_MAX;
        while (!find.call()) {
            if (System.nanoTime() > deadline) throw new AssertionError(what + " did not come");
            Thread.sleep(5);
        }
    }

    static void scenario(String name, Scenario scenario) {
        try {
            scenario.run();
            System.out.println("ok: " + name);
        } catch (Throwable error) {
            failed = true;
            System.out.println("FAILED: " + name);
            error.printStackTrace(System.out);
        }
    }

    /** Ends the program, with the threads of its clients. */
    static void end() {
        System.exit(failed ? 1 : 0);
    }
}

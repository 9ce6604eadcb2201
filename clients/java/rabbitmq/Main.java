import com.rabbitmq.client.AMQP;
import com.rabbitmq.client.AlreadyClosedException;
import com.rabbitmq.client.BuiltinExchangeType;
import com.rabbitmq.client.CancelCallback;
import com.rabbitmq.client.Channel;
import com.rabbitmq.client.Connection;
import com.rabbitmq.client.ConnectionFactory;
import com.rabbitmq.client.GetResponse;
import com.rabbitmq.client.MessageProperties;
import com.rabbitmq.client.Recoverable;
import com.rabbitmq.client.RecoveryListener;
import com.rabbitmq.client.RpcClient;
import com.rabbitmq.client.RpcClientParams;
import com.rabbitmq.client.RpcServer;
import com.rabbitmq.client.impl.CredentialsProvider;
import com.rabbitmq.client.impl.DefaultCredentialsRefreshService;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Collections;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.ConcurrentSkipListSet;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.atomic.AtomicInteger;

/** RabbitMQ's Java client, as an application uses it. */
class Main {
    static final int MANY = 10_000;
    /** 400 MB, in messages. */
    static final int FILLING = 4_000;
    static Connection shared;

    static Connection connect(String name) throws Exception {
        var factory = new ConnectionFactory();
        factory.setUri(Check.amqpUrl());
        factory.setNetworkRecoveryInterval(50);
        return factory.newConnection(name);
    }

    static Channel fresh() throws Exception {
        return shared.createChannel();
    }

    static Channel confirmed() throws Exception {
        var channel = fresh();
        channel.confirmSelect();
        return channel;
    }

    static void declare(Channel channel, String queue, Map<String, Object> arguments) throws Exception {
        channel.queueDeclare(queue, true, false, false, arguments);
    }

    static void publish(Channel channel, String exchange, String key, String... bodies) throws Exception {
        for (String body : bodies) channel.basicPublish(exchange, key, MessageProperties.PERSISTENT_BASIC, body.getBytes());
        channel.waitForConfirmsOrDie(60_000);
    }

    static GetResponse got(Channel channel, String queue) throws Exception {
        var found = new GetResponse[1];
        Check.until("a message of " + queue, () -> (found[0] = channel.basicGet(queue, false)) != null);
        return found[0];
    }

    static List<String> bodies(Channel channel, String queue) throws Exception {
        var found = new ArrayList<String>();
        for (GetResponse each; (each = channel.basicGet(queue, true)) != null; ) found.add(new String(each.getBody()));
        return found;
    }

    static void confirms() throws Exception {
        var channel = confirmed();
        declare(channel, "confirmed", null);
        publish(channel, "", "confirmed", "1", "2");
        Check.equal(bodies(channel, "confirmed"), List.of("1", "2"));
        List<String> returned = Collections.synchronizedList(new ArrayList<>());
        channel.addReturnListener(each -> returned.add(each.getReplyCode() + each.getReplyText() + new String(each.getBody())));
        channel.basicPublish("", "nobody", true, null, "lost".getBytes());
        Check.equal(channel.waitForConfirms(60_000), true);
        Check.until("the return", () -> returned.equals(List.of("312NO_ROUTElost")));
        declare(channel, "full", Map.of("x-max-length", 1, "x-overflow", "reject-publish"));
        publish(channel, "", "full", "fits");
        channel.basicPublish("", "full", null, "too much".getBytes());
        Check.equal(channel.waitForConfirms(60_000), false);
        Check.equal(bodies(channel, "full"), List.of("fits"));
    }

    static void properties() throws Exception {
        var channel = confirmed();
        declare(channel, "properties", null);
        Map<String, Object> headers = new HashMap<>(Map.of("bool", true, "byte", (byte) 7, "short", (short) -300, "int", 70_000, "long", 1L << 40, "float", 0.5f,
            "double", 0.25, "decimal", new java.math.BigDecimal("1.25"), "time", new java.util.Date(1_600_000_000_000L)));
        headers.put("nothing", null);
        headers.put("list", List.of(1, 2L, Map.of("deep", true)));
        var sent = new AMQP.BasicProperties.Builder().headers(headers).contentType("text/plain").contentEncoding("utf-8").deliveryMode(2).priority(3)
            .correlationId("c").replyTo("r").expiration("60000").messageId("m").timestamp(new java.util.Date(1_600_000_000_000L)).type("t").userId("guest").appId("a").build();
        for (byte[] body : List.of(new byte[0], new byte[2_000_000])) {
            channel.basicPublish("", "properties", sent, body);
            var found = got(channel, "properties");
            channel.basicAck(found.getEnvelope().getDeliveryTag(), false);
            Check.equal(found.getProps(), sent);
            Check.equal(found.getBody().length, body.length);
        }
    }

    static void prefetch() throws Exception {
        var channel = confirmed();
        declare(channel, "prefetch", null);
        for (int i = 0; i < 10; i++) publish(channel, "", "prefetch", "" + i);
        channel.basicQos(3);
        List<Long> tags = Collections.synchronizedList(new ArrayList<>());
        List<String> seen = Collections.synchronizedList(new ArrayList<>());
        channel.basicConsume("prefetch", false, (tag, delivery) -> {
            seen.add(new String(delivery.getBody()) + delivery.getEnvelope().isRedeliver());
            tags.add(delivery.getEnvelope().getDeliveryTag());
        }, tag -> {});
        Check.until("three messages", () -> tags.size() == 3);
        Check.equal(fresh().messageCount("prefetch"), 7L);
        channel.basicAck(tags.get(1), true);
        Check.until("two more", () -> tags.size() == 5);
        channel.basicNack(tags.get(2), false, true);
        Check.until("the message again", () -> tags.size() == 6);
        Check.equal(seen.get(5), "2true");
        channel.close();
        Check.until("all of them", () -> fresh().messageCount("prefetch") == 8);
        var whole = fresh();
        whole.basicQos(4, true);
        List<String> shared = Collections.synchronizedList(new ArrayList<>());
        for (int i = 0; i < 2; i++) whole.basicConsume("prefetch", false, (tag, delivery) -> shared.add(new String(delivery.getBody())), tag -> {});
        Check.until("four messages", () -> shared.size() == 4);
        Check.equal(fresh().messageCount("prefetch"), 4L);
        whole.close();
    }

    static void deadLetters() throws Exception {
        var channel = confirmed();
        channel.exchangeDeclare("dead", BuiltinExchangeType.FANOUT);
        declare(channel, "letters", null);
        channel.queueBind("letters", "dead", "");
        declare(channel, "rejecting", Map.of("x-dead-letter-exchange", "dead"));
        publish(channel, "", "rejecting", "no");
        channel.basicReject(got(channel, "rejecting").getEnvelope().getDeliveryTag(), false);
        died(channel, "rejecting", "rejected");
        declare(channel, "expiring", Map.of("x-dead-letter-exchange", "dead", "x-message-ttl", 20));
        publish(channel, "", "expiring", "late");
        died(channel, "expiring", "expired");
        declare(channel, "waiting", Map.of("x-dead-letter-exchange", "", "x-dead-letter-routing-key", "letters", "x-max-length", 1));
        channel.basicPublish("", "waiting", MessageProperties.PERSISTENT_BASIC.builder().expiration("20").build(), "short".getBytes());
        died(channel, "waiting", "expired");
        publish(channel, "", "waiting", "old", "new");
        died(channel, "waiting", "maxlen");
        declare(channel, "poisoned", Map.of("x-dead-letter-exchange", "dead", "x-queue-type", "quorum", "x-delivery-limit", 1));
        publish(channel, "", "poisoned", "poison");
        for (int i = 0; i < 2; i++) channel.basicNack(got(channel, "poisoned").getEnvelope().getDeliveryTag(), false, true);
        died(channel, "poisoned", "delivery_limit");
    }

    @SuppressWarnings("unchecked")
    static void died(Channel channel, String queue, String reason) throws Exception {
        var letter = got(channel, "letters");
        channel.basicAck(letter.getEnvelope().getDeliveryTag(), false);
        var death = ((List<Map<String, Object>>) letter.getProps().getHeaders().get("x-death")).get(0);
        Check.equal(death.get("queue").toString() + death.get("reason") + death.get("count"), queue + reason + "1");
    }

    static void rpc() throws Exception {
        var serving = fresh();
        declare(serving, "upper", null);
        var server = new RpcServer(serving, "upper") {
            @Override
            public byte[] handleCall(byte[] body, AMQP.BasicProperties properties) {
                return new String(body).toUpperCase().getBytes();
            }
        };
        var thread = new Thread(() -> {
            try {
                server.mainloop();
            } catch (Exception error) {
                error.printStackTrace();
            }
        });
        thread.start();
        var client = new RpcClient(new RpcClientParams().channel(fresh()).exchange("").routingKey("upper").timeout(60_000));
        for (int i = 0; i < 100; i++) Check.equal(client.stringCall("a" + i), "A" + i);
        client.close();
        serving.close();
        thread.join();
    }

    static void exchanges() throws Exception {
        var channel = confirmed();
        channel.exchangeDeclare("rest", BuiltinExchangeType.FANOUT, true);
        channel.exchangeDeclare("topic", BuiltinExchangeType.TOPIC, true, false, Map.of("alternate-exchange", "rest"));
        channel.exchangeDeclare("headers", "headers");
        for (String queue : List.of("stars", "hashes", "rest", "match")) declare(channel, queue, null);
        channel.queueBind("stars", "topic", "a.*.c");
        channel.queueBind("hashes", "topic", "a.#");
        channel.queueBind("rest", "rest", "");
        channel.queueBind("match", "headers", "", Map.of("x-match", "any", "kind", "pdf", "pages", 3));
        for (String key : List.of("a.b.c", "a", "b")) publish(channel, "topic", key, key);
        Check.equal(bodies(channel, "stars"), List.of("a.b.c"));
        Check.equal(bodies(channel, "hashes"), List.of("a.b.c", "a"));
        Check.equal(bodies(channel, "rest"), List.of("b"));
        channel.exchangeBind("headers", "topic", "h.#");
        channel.basicPublish("topic", "h.1", new AMQP.BasicProperties.Builder().headers(Map.of("pages", 3)).build(), "yes".getBytes());
        channel.basicPublish("topic", "h.1", new AMQP.BasicProperties.Builder().headers(Map.of("pages", 4)).build(), "no".getBytes());
        channel.waitForConfirmsOrDie();
        Check.equal(bodies(channel, "match"), List.of("yes"));
        channel.exchangeUnbind("headers", "topic", "h.#");
        channel.exchangeDelete("topic");
    }

    static void consumers() throws Exception {
        var channel = confirmed();
        channel.basicQos(1);
        declare(channel, "preferred", null);
        List<String> by = Collections.synchronizedList(new ArrayList<>());
        List<String> cancelled = Collections.synchronizedList(new ArrayList<>());
        for (int priority : List.of(1, 9))
            channel.basicConsume("preferred", false, Map.of("x-priority", priority), (tag, delivery) -> by.add("" + priority), (CancelCallback) cancelled::add);
        publish(channel, "", "preferred", "a");
        publish(channel, "", "preferred", "b");
        Check.until("two messages", () -> by.equals(List.of("9", "1")));
        fresh().queueDelete("preferred");
        Check.until("both cancellations", () -> cancelled.size() == 2);
    }

    static void queues() throws Exception {
        var owner = connect("owner");
        var named = owner.createChannel().queueDeclare().getQueue();
        Check.fails("RESOURCE_LOCKED", () -> fresh().queueDeclarePassive(named));
        owner.close();
        Check.until("the end of the exclusive queue", () -> {
            try {
                fresh().queueDeclarePassive(named);
                return false;
            } catch (java.io.IOException error) {
                return error.getCause().getMessage().contains("NOT_FOUND");
            }
        });
        declare(fresh(), "same", null);
        Check.fails("inequivalent arg 'x-max-length'", () -> declare(fresh(), "same", Map.of("x-max-length", 1)));
        Check.fails("no exchange 'nothing'", () -> fresh().queueBind("same", "nothing", ""));
        var closed = fresh();
        closed.basicAck(99, false);
        Check.until("the end of the channel", () -> !closed.isOpen());
        Check.fails("unknown delivery tag 99", () -> {
            throw new AlreadyClosedException(closed.getCloseReason());
        });
        var wrong = new ConnectionFactory();
        wrong.setUri(Check.amqpUrl());
        wrong.setPassword("wrong");
        Check.fails("ACCESS_REFUSED", wrong::newConnection);
    }

    static void transientQueues() throws Exception {
        var channel = confirmed();
        var looking = fresh();
        channel.queueDeclare("auto", false, false, true, null);
        var tag = channel.basicConsume("auto", true, (consumerTag, delivery) -> {}, consumerTag -> {});
        Check.equal(looking.consumerCount("auto"), 1L);
        channel.basicCancel(tag);
        Check.fails("no queue 'auto'", () -> fresh().queueDeclarePassive("auto"));
        channel.queueDeclare("idle", false, false, false, Map.of("x-expires", 50));
        Check.until("the end of the idle queue", () -> {
            // Not by passive declarations: those keep it.
            Thread.sleep(100);
            try {
                fresh().queueDeclarePassive("idle");
                return false;
            } catch (java.io.IOException error) {
                return error.getCause().getMessage().contains("NOT_FOUND");
            }
        });
        declare(channel, "emptied", null);
        publish(channel, "", "emptied", "a", "b", "c");
        Check.fails("PRECONDITION_FAILED - queue 'emptied' in vhost '/' not empty", () -> fresh().queueDelete("emptied", false, true));
        Check.equal(channel.queuePurge("emptied").getMessageCount(), 3);
        Check.equal(channel.queueDelete("emptied", true, true).getMessageCount(), 0);
    }

    static void priorities() throws Exception {
        var channel = confirmed();
        declare(channel, "urgent", Map.of("x-max-priority", 5));
        for (int priority : List.of(0, 5, 2, 9, 2))
            channel.basicPublish("", "urgent", MessageProperties.PERSISTENT_BASIC.builder().priority(priority).build(), ("" + priority).getBytes());
        channel.waitForConfirmsOrDie(60_000);
        Check.equal(bodies(channel, "urgent"), List.of("5", "9", "2", "2", "0"));
    }

    static void transactions() throws Exception {
        var channel = fresh();
        declare(channel, "tx", null);
        channel.txSelect();
        channel.basicPublish("", "tx", null, "kept".getBytes());
        Check.equal(fresh().messageCount("tx"), 0L);
        channel.txCommit();
        channel.basicPublish("", "tx", null, "lost".getBytes());
        channel.txRollback();
        Check.equal(fresh().messageCount("tx"), 1L);
        // An acknowledgement is part of it, and so is undone with it.
        channel.basicAck(channel.basicGet("tx", false).getEnvelope().getDeliveryTag(), false);
        channel.txRollback();
        channel.basicRecover(true);
        var again = channel.basicGet("tx", false);
        Check.equal(new String(again.getBody()) + again.getEnvelope().isRedeliver(), "kepttrue");
        channel.basicAck(again.getEnvelope().getDeliveryTag(), false);
        channel.txCommit();
        channel.close();
        Check.equal(fresh().messageCount("tx"), 0L);
    }

    /** Credentials that are renewed every now and then, as those of OAuth 2. */
    static class Renewed implements CredentialsProvider {
        final AtomicInteger times = new AtomicInteger();

        @Override
        public String getUsername() {
            return "guest";
        }

        @Override
        public String getPassword() {
            return "guest";
        }

        @Override
        public Duration getTimeBeforeExpiration() {
            return Duration.ofMillis(50);
        }

        @Override
        public void refresh() {
            times.incrementAndGet();
        }
    }

    static void secret() throws Exception {
        var factory = new ConnectionFactory();
        factory.setUri(Check.amqpUrl());
        var credentials = new Renewed();
        factory.setCredentialsProvider(credentials);
        factory.setCredentialsRefreshService(new DefaultCredentialsRefreshService.DefaultCredentialsRefreshServiceBuilder()
            .refreshDelayStrategy(left -> left).approachingExpirationStrategy(left -> true).build());
        var connection = factory.newConnection("with a secret");
        var channel = connection.createChannel();
        // The next one is planned when the broker has answered the one before.
        Check.until("three new secrets", () -> credentials.times.get() >= 3);
        declare(channel, "after-secret", null);
        Check.equal(channel.messageCount("after-secret"), 0L);
        connection.close();
    }

    static void streams() throws Exception {
        var channel = confirmed();
        declare(channel, "stream", Map.of("x-queue-type", "stream"));
        for (int i = 0; i < 100; i++) publish(channel, "", "stream", "" + i);
        for (Object offset : List.of("first", 60L, new java.util.Date(1_500_000_000_000L))) {
            var reader = fresh();
            reader.basicQos(20);
            List<String> seen = Collections.synchronizedList(new ArrayList<>());
            reader.basicConsume("stream", false, Map.of("x-stream-offset", offset), (tag, delivery) -> {
                seen.add(new String(delivery.getBody()) + ":" + delivery.getProperties().getHeaders().get("x-stream-offset"));
                reader.basicAck(delivery.getEnvelope().getDeliveryTag(), false);
            }, tag -> {});
            int first = offset instanceof Long ? 60 : 0;
            Check.until("the records", () -> seen.size() == 100 - first);
            Check.equal(seen.get(0) + " " + seen.get(seen.size() - 1), first + ":" + first + " 99:99");
            reader.close();
        }
    }

    /** More than the server may hold in memory is published, so that it stops publishers, until a consumer takes what there is. */
    static void blocked() throws Exception {
        var connection = connect("publisher");
        List<String> told = Collections.synchronizedList(new ArrayList<>());
        connection.addBlockedListener(reason -> told.add("blocked: " + reason), () -> told.add("unblocked"));
        var channel = connection.createChannel();
        channel.queueDeclare("filled", false, false, false, null);
        var published = new AtomicInteger();
        var publishing = new Thread(() -> {
            try {
                for (int i = 0; told.isEmpty() && i < FILLING; i++) {
                    channel.basicPublish("", "filled", null, new byte[100_000]);
                    published.incrementAndGet();
                }
            } catch (java.io.IOException error) {
                error.printStackTrace();
            }
        });
        publishing.start();
        Check.until("connection.blocked", () -> !told.isEmpty());
        Check.equal(told.get(0), "blocked: low on memory");
        // Consumers go on meanwhile, on a connection that did not publish.
        var consumer = connect("consumer");
        var seen = new AtomicInteger();
        consumer.createChannel().basicConsume("filled", true, (tag, delivery) -> seen.incrementAndGet(), tag -> {});
        Check.until("connection.unblocked", () -> told.contains("unblocked"));
        publishing.join();
        Check.until("all that was published", () -> seen.get() == published.get());
        consumer.close();
        connection.close();
    }

    static void many() throws Exception {
        var publisher = confirmed();
        var consumer = fresh();
        declare(publisher, "many", null);
        var open = new ConcurrentSkipListSet<Long>();
        publisher.addConfirmListener((tag, multiple) -> {
            if (multiple) open.headSet(tag, true).clear();
            else open.remove(tag);
        }, (tag, multiple) -> {
            throw new IllegalStateException("refused");
        });
        var whole = new CountDownLatch(MANY);
        consumer.basicQos(500);
        consumer.basicConsume("many", false, (tag, delivery) -> {
            if (!new String(delivery.getBody()).equals("" + (MANY - whole.getCount()))) throw new IllegalStateException("out of order");
            whole.countDown();
            if (whole.getCount() % 100 == 0) consumer.basicAck(delivery.getEnvelope().getDeliveryTag(), true);
        }, tag -> {});
        for (int i = 0; i < MANY; i++) {
            open.add(publisher.getNextPublishSeqNo());
            publisher.basicPublish("", "many", MessageProperties.PERSISTENT_BASIC, ("" + i).getBytes());
        }
        Check.until("all confirms", open::isEmpty);
        Check.until("all messages", () -> whole.getCount() == 0);
    }

    static void recovery() throws Exception {
        var connection = connect("closed-by-operator");
        var again = new CountDownLatch(1);
        ((Recoverable) connection).addRecoveryListener(new RecoveryListener() {
            @Override
            public void handleRecovery(Recoverable recovered) {
                again.countDown();
            }

            @Override
            public void handleRecoveryStarted(Recoverable recovered) {}
        });
        var channel = connection.createChannel();
        channel.exchangeDeclare("recovered", BuiltinExchangeType.FANOUT, false, true, null);
        var queue = channel.queueDeclare().getQueue();
        channel.queueBind(queue, "recovered", "");
        List<String> heard = Collections.synchronizedList(new ArrayList<>());
        channel.basicConsume(queue, true, (tag, delivery) -> heard.add(new String(delivery.getBody())), tag -> {});
        channel.basicPublish("recovered", "", null, "before".getBytes());
        Check.until("the first message", () -> heard.size() == 1);
        Check.closeConnection("closed-by-operator");
        again.await();
        channel.basicPublish("recovered", "", null, "after".getBytes());
        Check.until("the next message", () -> heard.equals(List.of("before", "after")));
        connection.close();
    }

    public static void main(String[] args) throws Exception {
        shared = connect("shared");
        Check.scenario("confirms, mandatory returns, refusals of a full queue", Main::confirms);
        Check.scenario("every property and kind of header, an empty and a large body", Main::properties);
        Check.scenario("prefetch of a consumer and of a channel, acknowledgement of many, nack with requeue", Main::prefetch);
        Check.scenario("dead letters: rejected, expired, dropped, delivered too often", Main::deadLetters);
        Check.scenario("RpcServer and RpcClient over direct reply-to", Main::rpc);
        Check.scenario("topic, headers and alternate exchanges, bindings between them", Main::exchanges);
        Check.scenario("priorities of consumers, cancellation by the server", Main::consumers);
        Check.scenario("exclusive queues, errors, a refused login", Main::queues);
        Check.scenario("queues that end with their consumer or by themselves, purge, conditional deletion", Main::transientQueues);
        Check.scenario("priorities of messages", Main::priorities);
        Check.scenario("transactions", Main::transactions);
        Check.scenario("a renewed secret", Main::secret);
        Check.scenario("streams with offsets", Main::streams);
        Check.scenario("10,000 messages with confirms, consumed meanwhile", Main::many);
        Check.scenario("automatic recovery of a connection that an operator closes, with its topology", Main::recovery);
        Check.scenario("publishers that are blocked, and unblocked", Main::blocked);
        Check.end();
    }
}

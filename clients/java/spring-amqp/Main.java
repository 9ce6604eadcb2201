import java.net.URI;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.Map;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.stream.IntStream;
import org.springframework.amqp.core.AcknowledgeMode;
import org.springframework.amqp.core.AnonymousQueue;
import org.springframework.amqp.core.BindingBuilder;
import org.springframework.amqp.core.Declarables;
import org.springframework.amqp.core.ExchangeBuilder;
import org.springframework.amqp.core.FanoutExchange;
import org.springframework.amqp.core.HeadersExchange;
import org.springframework.amqp.core.Message;
import org.springframework.amqp.core.MessageBuilder;
import org.springframework.amqp.core.MessageDeliveryMode;
import org.springframework.amqp.core.MessagePropertiesBuilder;
import org.springframework.amqp.core.Queue;
import org.springframework.amqp.core.QueueBuilder;
import org.springframework.amqp.core.TopicExchange;
import org.springframework.amqp.rabbit.AsyncRabbitTemplate;
import org.springframework.amqp.rabbit.batch.SimpleBatchingStrategy;
import org.springframework.amqp.rabbit.connection.CachingConnectionFactory;
import org.springframework.amqp.rabbit.connection.CorrelationData;
import org.springframework.amqp.rabbit.core.BatchingRabbitTemplate;
import org.springframework.amqp.rabbit.core.RabbitAdmin;
import org.springframework.amqp.rabbit.core.RabbitTemplate;
import org.springframework.amqp.rabbit.listener.DirectMessageListenerContainer;
import org.springframework.amqp.rabbit.listener.SimpleMessageListenerContainer;
import org.springframework.amqp.rabbit.listener.api.ChannelAwareMessageListener;
import org.springframework.amqp.rabbit.transaction.RabbitTransactionManager;
import org.springframework.context.annotation.AnnotationConfigApplicationContext;
import org.springframework.context.support.GenericApplicationContext;
import org.springframework.scheduling.concurrent.ThreadPoolTaskScheduler;
import org.springframework.transaction.support.TransactionTemplate;

/** Spring AMQP, as an application uses it: templates, listener containers, annotations, declarations by RabbitAdmin. */
class Main {
    static CachingConnectionFactory shared;
    static RabbitTemplate template;
    static RabbitAdmin admin;
    static AnnotationConfigApplicationContext application;

    static CachingConnectionFactory connections(String name) throws Exception {
        var factory = new CachingConnectionFactory(new URI(Check.amqpUrl()));
        factory.setConnectionNameStrategy(ignored -> name);
        return factory;
    }

    static long waiting(String queue) {
        return admin.getQueueInfo(queue).getMessageCount();
    }

    static String received(String queue) {
        return (String) template.receiveAndConvert(queue, 60_000);
    }

    static List<String> texts() {
        return Collections.synchronizedList(new ArrayList<>());
    }

    static void declarations() throws Exception {
        var factory = connections("declarations");
        var declaring = new RabbitAdmin(factory);
        var queue = QueueBuilder.durable("declared").ttl(60_000).maxLength(100).overflow(QueueBuilder.Overflow.rejectPublish).deadLetterExchange("declared-dead").build();
        var topic = (TopicExchange) ExchangeBuilder.topicExchange("declared-topic").alternate("declared-rest").build();
        var rest = (FanoutExchange) ExchangeBuilder.fanoutExchange("declared-rest").build();
        var byHeaders = (HeadersExchange) ExchangeBuilder.headersExchange("declared-headers").build();
        var unrouted = QueueBuilder.durable("declared-unrouted").quorum().deliveryLimit(3).build();
        var passing = new AnonymousQueue();
        var context = new GenericApplicationContext();
        context.registerBean("all", Declarables.class, () -> new Declarables(queue, topic, rest, byHeaders, unrouted, passing,
            BindingBuilder.bind(queue).to(topic).with("a.*"), BindingBuilder.bind(unrouted).to(rest),
            BindingBuilder.bind(byHeaders).to(topic).with("h.#"),
            BindingBuilder.bind(queue).to(byHeaders).whereAll(Map.of("kind", "pdf", "pages", 3)).match()));
        context.refresh();
        declaring.setApplicationContext(context);
        declaring.afterPropertiesSet();
        var sending = new RabbitTemplate(factory);
        sending.convertAndSend("declared-topic", "a.b", "topic");
        sending.convertAndSend("declared-topic", "nowhere", "alternate");
        for (int pages : List.of(3, 4))
            sending.convertAndSend("declared-topic", "h.1", "headers" + pages, message -> {
                message.getMessageProperties().setHeader("kind", "pdf");
                message.getMessageProperties().setHeader("pages", pages);
                return message;
            });
        Check.equal(received("declared") + received("declared") + received("declared-unrouted"), "topicheaders3alternate");
        Check.equal(declaring.getQueueInfo(passing.getActualName()).getConsumerCount(), 0);
        // With its connection the exclusive queue goes; the next connection declares it anew.
        factory.resetConnection();
        sending.convertAndSend("", passing.getActualName(), "there again");
        Check.equal(sending.receiveAndConvert(passing.getActualName(), 60_000), "there again");
        Check.equal(declaring.getQueueProperties("no such queue"), null);
        Check.fails("inequivalent arg 'x-message-ttl' for queue 'declared'", () -> declaring.declareQueue(QueueBuilder.durable("declared").ttl(1).build()));
        sending.convertAndSend("", "declared", "purged");
        Check.until("the message", () -> waiting("declared") == 1);
        Check.equal(declaring.purgeQueue("declared"), 1);
        Check.equal(declaring.deleteQueue("declared") && declaring.deleteExchange("declared-topic"), true);
        Check.equal(declaring.getQueueInfo("declared"), null);
        context.close();
        factory.destroy();
    }

    static void templates() throws Exception {
        admin.declareQueue(new Queue("sent"));
        var properties = MessagePropertiesBuilder.newInstance().setContentType("text/plain").setContentEncoding("utf-8").setMessageId("m").setAppId("a").setType("t").setUserId("guest")
            .setCorrelationId("c").setReplyTo("r").setPriority(4).setExpiration("60000").setTimestamp(new java.util.Date(1_600_000_000_000L))
            .setDeliveryMode(MessageDeliveryMode.NON_PERSISTENT).setHeader("long", 1L << 40).setHeader("list", List.of("a", 1)).build();
        template.send("sent", MessageBuilder.withBody("größe".getBytes(StandardCharsets.UTF_8)).andProperties(properties).build());
        Message found = template.receive("sent", 60_000);
        var seen = found.getMessageProperties();
        Check.equal(new String(found.getBody(), StandardCharsets.UTF_8), "größe");
        Check.equal(List.of(seen.getContentType(), seen.getContentEncoding(), seen.getMessageId(), seen.getAppId(), seen.getType(), seen.getReceivedUserId(), seen.getCorrelationId()),
            List.of("text/plain", "utf-8", "m", "a", "t", "guest", "c"));
        Check.equal(List.of(seen.getReplyTo(), seen.getPriority(), seen.getExpiration(), seen.getTimestamp().getTime(), seen.getReceivedDeliveryMode(), seen.getHeader("long"), seen.getHeader("list")),
            List.of("r", 4, "60000", 1_600_000_000_000L, MessageDeliveryMode.NON_PERSISTENT, 1L << 40, List.of("a", 1)));
        Check.equal(template.receive("sent"), null);
        template.convertAndSend("sent", new byte[3_000_000]);
        Check.equal(((byte[]) template.receiveAndConvert("sent", 60_000)).length, 3_000_000);
        template.convertAndSend("sent", "asked", message -> {
            message.getMessageProperties().setReplyTo("sent");
            return message;
        });
        Check.until("receive and reply", () -> template.<String, String>receiveAndReply("sent", body -> body + " and answered"));
        Check.equal(received("sent"), "asked and answered");
    }

    static void confirms() throws Exception {
        var factory = connections("confirms");
        factory.setPublisherConfirmType(CachingConnectionFactory.ConfirmType.CORRELATED);
        factory.setPublisherReturns(true);
        var sending = new RabbitTemplate(factory);
        sending.setMandatory(true);
        admin.declareQueue(QueueBuilder.durable("confirmed").maxLength(100).overflow(QueueBuilder.Overflow.rejectPublish).build());
        var all = IntStream.range(0, 100).mapToObj(i -> new CorrelationData("" + i)).toList();
        for (var each : all) sending.convertAndSend("", "confirmed", each.getId(), each);
        for (var each : all) Check.equal(each.getFuture().get(60, TimeUnit.SECONDS).ack(), true);
        var tooMuch = new CorrelationData("too much");
        sending.convertAndSend("", "confirmed", "too much", tooMuch);
        Check.equal(tooMuch.getFuture().get(60, TimeUnit.SECONDS).ack(), false);
        var lost = new CorrelationData("lost");
        sending.convertAndSend("", "nobody", "lost", lost);
        Check.equal(lost.getFuture().get(60, TimeUnit.SECONDS).ack(), true);
        Check.equal(lost.getReturned().getReplyCode() + lost.getReturned().getReplyText() + lost.getReturned().getRoutingKey(), "312NO_ROUTEnobody");
        // An exchange that is not there closes the channel, and so refuses.
        var nowhere = new CorrelationData("nowhere");
        sending.convertAndSend("no such exchange", "", "nowhere", nowhere);
        Check.equal(nowhere.getFuture().get(60, TimeUnit.SECONDS).ack(), false);
        var next = new CorrelationData("next");
        admin.purgeQueue("confirmed");
        sending.convertAndSend("", "confirmed", "next", next);
        Check.equal(next.getFuture().get(60, TimeUnit.SECONDS).ack(), true);
        factory.destroy();

        var simple = connections("simple confirms");
        simple.setPublisherConfirmType(CachingConnectionFactory.ConfirmType.SIMPLE);
        admin.purgeQueue("confirmed");
        var confirmed = new RabbitTemplate(simple).invoke(operations -> {
            for (int i = 0; i < 50; i++) operations.convertAndSend("", "confirmed", "" + i);
            operations.waitForConfirmsOrDie(60_000);
            return true;
        });
        Check.equal(confirmed, true);
        Check.equal(waiting("confirmed"), 50L);
        simple.destroy();
    }

    static void annotated() throws Exception {
        application = new AnnotationConfigApplicationContext(Listeners.class);
        template.convertAndSend("papers", "news.today", "hello");
        template.convertAndSend("papers", "weather", "nobody listens");
        template.convertAndSend("papers", "news.of.rain", "wet", message -> {
            message.getMessageProperties().setHeader("weather", 9);
            return message;
        });
        Check.until("both papers", () -> Listeners.heard.equals(List.of("news.today=hello", "news.of.rain=wet:9")));
        admin.declareQueue(new Queue("answers"));
        template.convertAndSend("forwarded", "yes");
        Check.equal(received("answers"), "yes!");
    }

    static void retries() throws Exception {
        admin.declareQueue(new Queue("given-up"));
        admin.declareQueue(new Queue("refused"));
        Listeners.heard.clear();
        template.convertAndSend("failing", "it");
        var given = template.receive("given-up", 60_000);
        Check.equal(Listeners.heard, List.of("try it", "try it", "try it"));
        Check.equal(given.getMessageProperties().getHeader("x-original-routingKey"), "failing");
        template.convertAndSend("refusing", "no");
        var refused = template.receive("refused", 60_000);
        Check.equal(refused.getMessageProperties().getXDeathHeader().get(0).get("reason") + new String(refused.getBody()), "rejectedno");
        Check.equal(waiting("failing") + waiting("refusing"), 0L);
    }

    static void rpc() throws Exception {
        template.setReplyTimeout(60_000);
        for (int i = 0; i < 50; i++) Check.equal(template.convertSendAndReceive("upper", "a" + i), "A" + i);
        var factory = connections("temporary reply queues");
        factory.setPublisherReturns(true);
        var temporary = new RabbitTemplate(factory);
        temporary.setUseTemporaryReplyQueues(true);
        temporary.setReplyTimeout(60_000);
        Check.equal(temporary.convertSendAndReceive("upper", "b"), "B");
        var asynchronous = new AsyncRabbitTemplate(temporary);
        asynchronous.start();
        List<CompletableFuture<String>> answers = IntStream.range(0, 50).<CompletableFuture<String>>mapToObj(i -> asynchronous.convertSendAndReceive("upper", "c" + i)).toList();
        for (int i = 0; i < 50; i++) Check.equal(answers.get(i).get(60, TimeUnit.SECONDS), "C" + i);
        asynchronous.setMandatory(true);
        Check.fails("Message returned", () -> asynchronous.convertSendAndReceive("nobody", "d").get(60, TimeUnit.SECONDS));
        asynchronous.stop();
        factory.destroy();
    }

    static void containers() throws Exception {
        admin.declareQueue(new Queue("worked"));
        List<String> seen = texts();
        var simple = new SimpleMessageListenerContainer(shared);
        simple.setQueueNames("worked");
        simple.setConcurrentConsumers(2);
        simple.setPrefetchCount(5);
        simple.setAcknowledgeMode(AcknowledgeMode.MANUAL);
        simple.setMessageListener((ChannelAwareMessageListener) (message, channel) -> {
            var properties = message.getMessageProperties();
            seen.add(new String(message.getBody()) + properties.isRedelivered());
            // Each is given back once.
            if (properties.isRedelivered()) channel.basicAck(properties.getDeliveryTag(), false);
            else channel.basicNack(properties.getDeliveryTag(), false, true);
        });
        simple.start();
        Check.until("both consumers", () -> admin.getQueueInfo("worked").getConsumerCount() == 2);
        for (int i = 0; i < 20; i++) template.convertAndSend("worked", "" + i);
        Check.until("all twice", () -> seen.size() == 40 && seen.stream().filter(each -> each.endsWith("true")).distinct().count() == 20);
        simple.stop();
        Check.until("no consumer", () -> admin.getQueueInfo("worked").getConsumerCount() == 0);
        Check.equal(waiting("worked"), 0L);

        var tries = new AtomicInteger();
        var direct = new DirectMessageListenerContainer(shared);
        direct.setQueueNames("worked");
        direct.setConsumersPerQueue(3);
        direct.setMessagesPerAck(10);
        direct.setAckTimeout(100);
        direct.setMessageListener(message -> {
            // The container gives it back and goes on.
            if (tries.incrementAndGet() == 7) throw new IllegalStateException("once");
        });
        direct.start();
        for (int i = 0; i < 100; i++) template.convertAndSend("worked", "" + i);
        Check.until("all and one again", () -> tries.get() == 101);
        direct.addQueueNames("sent");
        template.convertAndSend("sent", "to the second queue");
        Check.until("one of the second queue", () -> tries.get() == 102);
        direct.stop();
        Check.until("no consumer", () -> admin.getQueueInfo("worked").getConsumerCount() == 0);
        Check.equal(waiting("worked") + waiting("sent"), 0L);
    }

    static void batches() throws Exception {
        var scheduler = new ThreadPoolTaskScheduler();
        scheduler.initialize();
        // Ten messages travel as one, which the container takes apart.
        var packing = new BatchingRabbitTemplate(shared, new SimpleBatchingStrategy(10, 100_000, 200), scheduler);
        for (int i = 0; i < 25; i++) packing.convertAndSend("", "in-batches", "packed" + i);
        Check.until("25 of three packets", () -> Listeners.batched.size() == 25);
        Check.equal(Listeners.batched.get(24), "packed24");
        Listeners.batches.clear();
        for (int i = 0; i < 40; i++) template.convertAndSend("in-batches", "" + i);
        Check.until("40 more", () -> Listeners.batched.size() == 65);
        Check.equal(Listeners.batches.stream().allMatch(size -> size <= 10), true);
        Check.until("their acknowledgement", () -> waiting("in-batches") == 0);
        scheduler.shutdown();
    }

    static void transactions() throws Exception {
        admin.declareQueue(new Queue("in"));
        admin.declareQueue(new Queue("out"));
        var factory = connections("transactions");
        var transacted = new RabbitTemplate(factory);
        transacted.setChannelTransacted(true);
        var manager = new RabbitTransactionManager(factory);
        var transaction = new TransactionTemplate(manager);
        transaction.executeWithoutResult(status -> {
            transacted.convertAndSend("in", "kept");
            Check.equal(waiting("in"), 0L);
        });
        Check.equal(waiting("in"), 1L);
        Check.fails("undone", () -> transaction.executeWithoutResult(status -> {
            transacted.convertAndSend("in", "lost");
            throw new IllegalStateException("undone");
        }));
        Check.equal(waiting("in"), 1L);
        // A listener's own messages and its acknowledgement are one transaction: the first try leaves nothing.
        var tries = new AtomicInteger();
        var container = new SimpleMessageListenerContainer(factory);
        container.setQueueNames("in");
        container.setChannelTransacted(true);
        container.setMessageListener(message -> {
            transacted.convertAndSend("out", "try " + tries.incrementAndGet());
            if (tries.get() == 1) throw new IllegalStateException("the first try");
        });
        container.start();
        Check.equal(received("out"), "try 2");
        container.stop();
        Check.equal(waiting("in") + waiting("out"), 0L);
        factory.destroy();
    }

    static void priorities() throws Exception {
        admin.declareQueue(QueueBuilder.durable("urgent").maxPriority(5).build());
        for (int priority : List.of(0, 5, 2))
            template.convertAndSend("", "urgent", "" + priority, message -> {
                message.getMessageProperties().setPriority(priority);
                return message;
            });
        Check.until("all three", () -> waiting("urgent") == 3);
        Check.equal(received("urgent") + received("urgent") + received("urgent"), "520");
        admin.declareQueue(QueueBuilder.durable("late").deadLetterExchange("").deadLetterRoutingKey("too-late").build());
        admin.declareQueue(new Queue("too-late"));
        template.convertAndSend("", "late", "gone", message -> {
            message.getMessageProperties().setExpiration("20");
            return message;
        });
        var dead = template.receive("too-late", 60_000).getMessageProperties();
        Check.equal(dead.getXDeathHeader().get(0).get("reason") + dead.getHeader("x-first-death-queue").toString(), "expiredlate");
    }

    static void streams() throws Exception {
        admin.declareQueue(QueueBuilder.durable("stream").stream().withArgument("x-max-age", "1D").build());
        for (int i = 0; i < 100; i++) template.convertAndSend("stream", "" + i);
        Check.until("the records", () -> waiting("stream") == 100);
        for (Object offset : List.of("first", 60L)) {
            List<String> seen = texts();
            var container = new DirectMessageListenerContainer(shared);
            container.setQueueNames("stream");
            container.setPrefetchCount(10);
            container.setConsumerArguments(Map.of("x-stream-offset", offset));
            container.setMessageListener(message -> seen.add(new String(message.getBody()) + ":" + message.getMessageProperties().getHeader("x-stream-offset")));
            container.start();
            int first = offset instanceof Long ? 60 : 0;
            Check.until("the records", () -> seen.size() == 100 - first);
            Check.equal(seen.get(0) + " " + seen.get(seen.size() - 1), first + ":" + first + " 99:99");
            container.stop();
        }
    }

    static void restarts() throws Exception {
        // The listeners' connection is closed by an operator: their containers start again, by themselves.
        Listeners.heard.clear();
        Check.closeConnection("listeners");
        template.convertAndSend("papers", "news.again", "after");
        Check.until("the listener again", () -> Listeners.heard.equals(List.of("news.again=after")));
        Check.equal(template.convertSendAndReceive("upper", "still"), "STILL");
        // A queue that is deleted beneath its consumer is missed, and declared anew.
        admin.deleteQueue("news");
        Check.until("the queue again", () -> admin.getQueueInfo("news") != null && admin.getQueueInfo("news").getConsumerCount() == 1);
        template.convertAndSend("papers", "news.new", "anew");
        Check.until("the listener of the new queue", () -> Listeners.heard.contains("news.new=anew"));
        application.close();
        Check.until("no consumers", () -> admin.getQueueInfo("news").getConsumerCount() == 0);
    }

    public static void main(String[] args) throws Exception {
        shared = connections("shared");
        template = new RabbitTemplate(shared);
        admin = new RabbitAdmin(shared);
        Check.scenario("declarations by RabbitAdmin, again after a lost connection", Main::declarations);
        Check.scenario("a template: properties, large bodies, receive and reply", Main::templates);
        Check.scenario("correlated and simple confirms, returns, a refused message", Main::confirms);
        Check.scenario("annotated listeners, with bindings, headers and answers", Main::annotated);
        Check.scenario("retries, given up to another queue; refusals to a dead letter queue", Main::retries);
        Check.scenario("RPC: direct reply-to, temporary queues, the asynchronous template", Main::rpc);
        Check.scenario("simple and direct containers: manual, automatic and late acknowledgement", Main::containers);
        Check.scenario("batches of publishers and of consumers", Main::batches);
        Check.scenario("transactions of templates and of containers", Main::transactions);
        Check.scenario("priorities, expiry", Main::priorities);
        Check.scenario("streams with offsets", Main::streams);
        Check.scenario("containers after a closed connection and a deleted queue", Main::restarts);
        Check.end();
    }
}

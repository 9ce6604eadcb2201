import com.rabbitmq.client.ConnectionFactory;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.concurrent.TimeUnit;
import java.util.regex.Pattern;

/**
 * PerfTest, RabbitMQ's load generator, by its command line and for a stated number of messages. Nothing is measured: each run ends by
 * itself when everything was published and consumed, tells of no error and no refusal, and leaves an empty queue.
 */
class Main {
    static final long RUN_SECONDS_MAX = 100;
    static final Pattern REFUSED = Pattern.compile("(nacked|returned): [1-9]");

    /** What PerfTest wrote, without what it says in the middle of its run. */
    static List<String> perfTest(String options) throws Exception {
        var command = new ArrayList<>(List.of(ProcessHandle.current().info().command().orElse("java"), "-Xmx256m", "-cp", System.getProperty("java.class.path"),
            "com.rabbitmq.perf.PerfTest", "--uri", Check.amqpUrl()));
        command.addAll(Arrays.asList(options.split(" ")));
        var process = new ProcessBuilder(command).redirectErrorStream(true).start();
        var watch = new Thread(() -> {
            try {
                if (!process.waitFor(RUN_SECONDS_MAX, TimeUnit.SECONDS)) process.destroyForcibly();
            } catch (InterruptedException error) {
                process.destroyForcibly();
            }
        });
        watch.setDaemon(true);
        watch.start();
        var lines = process.inputReader().lines().toList();
        int code = process.waitFor();
        if (code != 0) throw new AssertionError("PerfTest " + options + " ended with code " + code + ":\n" + String.join("\n", lines));
        for (String line : lines)
            if (REFUSED.matcher(line).find() || line.contains("xception") || line.contains("ERROR") || line.contains("rror:"))
                throw new AssertionError(String.join("\n", lines));
        return lines;
    }

    static void says(List<String> lines, String text) {
        if (lines.stream().noneMatch(line -> line.contains(text))) throw new AssertionError("it does not say " + text + ":\n" + String.join("\n", lines));
    }

    /** Runs to both limits: each producer's and each consumer's. */
    static Check.Scenario whole(String options, String... also) {
        return () -> {
            var lines = perfTest(options);
            says(lines, "Producer reached message limit");
            says(lines, "Consumer reached message limit");
            for (String text : also) says(lines, text);
        };
    }

    static void left(String queue, long messages) throws Exception {
        var factory = new ConnectionFactory();
        factory.setUri(Check.amqpUrl());
        try (var connection = factory.newConnection()) {
            var channel = connection.createChannel();
            Check.until(messages + " messages in " + queue, () -> channel.messageCount(queue) == messages);
            channel.queueDelete(queue);
        }
    }

    static Check.Scenario andLeaves(Check.Scenario run, String queue) {
        return () -> {
            run.run();
            left(queue, 0);
        };
    }

    public static void main(String[] args) {
        // PerfTest's own, which is quiet.
        System.setProperty("logback.configurationFile", "logback-perf-test.xml");
        Check.scenario("confirms, persistent and mandatory messages, prefetch, acknowledgement of many", andLeaves(
            whole("-x 2 -y 1 -C 2000 -D 4000 -c 100 -q 200 -A 50 -f persistent -f mandatory -u confirmed -ad false", "confirm latency"), "confirmed"));
        Check.scenario("a quorum queue", andLeaves(whole("-qq -x 1 -y 1 -C 1000 -D 1000 -c 50 -q 50 -u quorum -ad false"), "quorum"));
        Check.scenario("a stream from its beginning", whole("-sq -x 1 -y 1 -C 1000 -D 1000 -c 50 -q 100 -sco first -u stream"));
        Check.scenario("transactions of publishers and consumers", andLeaves(whole("-x 1 -y 1 -C 500 -D 500 -m 10 -n 10 -q 50 -u tx -ad false"), "tx"));
        Check.scenario("several queues, producers and consumers with channels each", whole("-qp many-%d -qpf 1 -qpt 4 -x 4 -y 4 -C 500 -D 500 -c 20 -q 20"));
        Check.scenario("each consumer a queue of its own at a fanout, large bodies", whole("-t fanout -e perf-fanout -x 1 -y 2 -C 100 -D 100 -c 10 -q 10 -s 300000"));
        Check.scenario("priorities, headers, bodies that are checked as JSON", andLeaves(
            whole("-qa x-max-priority=10 -mp priority=5,kind=perf -jb -s 2000 -x 1 -y 1 -C 500 -D 500 -c 50 -q 50 -u urgent -ad false"), "urgent"));
        Check.scenario("basic.get instead of a consumer, without acknowledgements", andLeaves(whole("-po -a -x 1 -y 1 -C 300 -D 300 -u polled -ad false"), "polled"));
        Check.scenario("refused messages, that are not requeued", andLeaves(whole("-na -re false -x 1 -y 1 -C 500 -D 500 -q 50 -u refused -ad false"), "refused"));
        Check.end();
    }
}

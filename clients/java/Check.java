import java.time.Duration;
import java.util.Objects;
import java.util.concurrent.Callable;

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

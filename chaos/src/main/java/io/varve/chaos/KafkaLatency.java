package io.varve.chaos;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.json.JsonMapper;
import io.varve.cli.stack.Stack;
import io.varve.cli.stack.StackConfig;
import io.varve.formats.nbd.NbdAddress;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.function.ToDoubleFunction;

/**
 * What a guest's write takes with the broker there and with the broker stopped, by fio through NBD, in pairs that begin
 * with the one and the other in turns. Thread: its owner's only.
 */
final class KafkaLatency {
    private static final String DRIVE = "drive0";
    private static final long DRIVE_BYTES = 256L << 20;
    private static final Duration PATIENCE = Duration.ofMinutes(2);
    private static final double NANOS_PER_MICRO = 1000;

    private final Stack stack;
    private final EventLog events;
    private final int seconds;

    private KafkaLatency(Stack stack, EventLog events, int seconds) {
        this.stack = stack;
        this.events = events;
        this.seconds = seconds;
    }

    /**
     * What is measured.
     *
     * @param seconds how long fio writes in one half of a pair
     */
    record Settings(int pairs, int seconds) {}

    /** Latencies of writes, in µs. */
    record Latency(double p50Micros, double p99Micros) {}

    /** One pair. */
    record Pair(Latency there, Latency away) {}

    /** All pairs. */
    record Finding(List<Pair> pairs) {
        Finding {
            pairs = List.copyOf(pairs);
        }

        /** With the broker away, against with it there: the median of the pairs. */
        double p99Ratio() {
            return median(pair -> pair.away().p99Micros() / pair.there().p99Micros());
        }

        private double median(ToDoubleFunction<Pair> of) {
            double[] sorted = pairs.stream().mapToDouble(of).sorted().toArray();
            return sorted[sorted.length / 2];
        }

        @Override
        public String toString() {
            return String.format(
                    Locale.ROOT,
                    "%d pairs: write p50 %.0f µs with the broker there, %.0f µs with it away, %.3f×; p99 %.0f µs and"
                            + " %.0f µs, %.3f× (medians)",
                    pairs.size(),
                    median(pair -> pair.there().p50Micros()),
                    median(pair -> pair.away().p50Micros()),
                    median(pair -> pair.away().p50Micros() / pair.there().p50Micros()),
                    median(pair -> pair.there().p99Micros()),
                    median(pair -> pair.away().p99Micros()),
                    p99Ratio());
        }
    }

    /** Measures in an empty folder. */
    static Finding run(Path folder, EventLog events, Settings settings)
            throws IOException, InterruptedException, RoundFailedException {
        Path image = ChaosStack.image(folder, DRIVE, DRIVE_BYTES);
        StackConfig config = StackConfig.of(folder.resolve("data"), List.of(DRIVE + "=" + image));
        try (Stack stack = Stack.start(config, events.asStream())) {
            KafkaLatency latency = new KafkaLatency(stack, events, settings.seconds());
            // Compilers and caches get warm.
            Latency _ = latency.there();
            Latency _ = latency.away();
            List<Pair> pairs = new ArrayList<>();
            for (int index = 0; index < settings.pairs(); index++) {
                pairs.add(latency.pair(index % 2 == 0));
                events.say(pairs.getLast().toString());
            }
            return new Finding(pairs);
        }
    }

    private Pair pair(boolean thereFirst) throws IOException, InterruptedException, RoundFailedException {
        if (thereFirst) {
            Latency there = there();
            return new Pair(there, away());
        }
        Latency away = away();
        return new Pair(there(), away);
    }

    private Latency there() throws IOException, InterruptedException, RoundFailedException {
        stack.broker().bringUp();
        if (!stack.broker().awaitServing(PATIENCE)) {
            throw new RoundFailedException("the broker didn't come back within " + PATIENCE.toSeconds() + " s");
        }
        // The agent, streams and a sink have found it again.
        Backups backups = new Backups(NbdAddress.parse(stack.agent()), events);
        String _ = new Settling(backups, events).take(false, cut -> {});
        return load();
    }

    private Latency away() throws IOException, InterruptedException {
        stack.broker().takeDown();
        return load();
    }

    private Latency load() throws IOException, InterruptedException {
        Process fio = new ProcessBuilder(
                        "fio",
                        "--name=guest",
                        "--ioengine=nbd",
                        "--uri=" + stack.unixExport(DRIVE),
                        "--rw=randwrite",
                        "--bs=4k",
                        "--iodepth=1",
                        "--size=" + DRIVE_BYTES,
                        "--randrepeat=0",
                        "--norandommap",
                        "--time_based",
                        "--runtime=" + seconds,
                        "--output-format=json")
                .redirectError(ProcessBuilder.Redirect.DISCARD)
                .start();
        String said = new String(fio.getInputStream().readAllBytes(), StandardCharsets.UTF_8);
        if (fio.waitFor() != 0) {
            throw new IOException("fio failed: " + said);
        }
        JsonNode percentiles = new JsonMapper()
                .readTree(said.substring(said.indexOf('{')))
                .path("jobs")
                .path(0)
                .path("write")
                .path("clat_ns")
                .path("percentile");
        return new Latency(
                percentiles.path("50.000000").asDouble() / NANOS_PER_MICRO,
                percentiles.path("99.000000").asDouble() / NANOS_PER_MICRO);
    }
}

package io.varve.simulator;

import java.lang.management.ManagementFactory;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.concurrent.atomic.AtomicLong;

/** Runs many seeds on all cores, or one with its whole trace. */
public final class SimulatorMain {
    private static final int SEEDS_A_TURN = 200;

    private final long from;
    private final long count;
    private final AtomicLong next;
    private final AtomicLong events = new AtomicLong();
    private final AtomicLong commits = new AtomicLong();
    private final AtomicLong failures = new AtomicLong();
    private final AtomicLong cpuNanos = new AtomicLong();

    private SimulatorMain(long from, long count) {
        this.from = from;
        this.count = count;
        this.next = new AtomicLong(from);
    }

    /** Arguments: {@code trace SEED}, or {@code seeds FROM COUNT THREADS}. */
    public static void main(String[] arguments) throws InterruptedException {
        boolean isFine = arguments[0].equals("trace")
                ? trace(Long.parseLong(arguments[1]))
                : new SimulatorMain(Long.parseLong(arguments[1]), Long.parseLong(arguments[2]))
                        .runAll(Integer.parseInt(arguments[3]));
        System.exit(isFine ? 0 : 1);
    }

    private static boolean trace(long seed) {
        Simulation.Result result = Simulation.run(seed, true);
        result.trace().forEach(System.out::println);
        System.out.println("seed " + seed + ": "
                + result.failure().orElse("fine, " + result.events() + " events, " + result.commits() + " commits"));
        return result.failure().isEmpty();
    }

    private boolean runAll(int threads) throws InterruptedException {
        long startNanos = System.nanoTime();
        List<Future<?>> running = new ArrayList<>();
        try (ExecutorService executor = Executors.newFixedThreadPool(threads)) {
            for (int thread = 0; thread < threads; thread++) {
                running.add(executor.submit(this::runSome));
            }
        }
        for (Future<?> each : running) {
            try {
                each.get();
            } catch (ExecutionException e) {
                throw new IllegalStateException(e);
            }
        }
        double seconds = (System.nanoTime() - startNanos) / 1e9;
        double cpuSeconds = cpuNanos.get() / 1e9;
        System.out.printf(
                "simulator: %d seeds from %d in %.1f s on %d threads, %.0f a second of one core's time;"
                        + " %d events, %d commits; %d failed%n",
                count, from, seconds, threads, count / cpuSeconds, events.get(), commits.get(), failures.get());
        return failures.get() == 0;
    }

    private void runSome() {
        for (long first = next.getAndAdd(SEEDS_A_TURN); first < from + count; first = next.getAndAdd(SEEDS_A_TURN)) {
            for (long seed = first; seed < Math.min(first + SEEDS_A_TURN, from + count); seed++) {
                Simulation.Result result = Simulation.run(seed, false);
                events.addAndGet(result.events());
                commits.addAndGet(result.commits());
                Optional<String> failure = result.failure();
                failure.ifPresent(why -> System.out.println("seed " + result.seed() + " fails: " + why));
                failures.addAndGet(failure.isPresent() ? 1 : 0);
            }
        }
        cpuNanos.addAndGet(ManagementFactory.getThreadMXBean().getCurrentThreadCpuTime());
    }
}

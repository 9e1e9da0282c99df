package io.varve.chaos;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.security.SecureRandom;
import java.util.Comparator;
import java.util.concurrent.Callable;
import java.util.stream.Stream;
import picocli.CommandLine;
import picocli.CommandLine.Command;
import picocli.CommandLine.Option;

/** Started by {@code chaos/run}. */
@Command(
        name = "chaos/run",
        description = "Kill and pause Varve's processes at random while guests write and backups are taken; restore"
                + " every committed sync point and look whether it's a state that the drives had.",
        mixinStandardHelpOptions = true)
public final class ChaosMain implements Callable<Integer> {
    @Option(names = "--rounds", paramLabel = "N", description = "Rounds of random faults (default: ${DEFAULT-VALUE}).")
    private int rounds = 20;

    @Option(
            names = "--agent-kills",
            paramLabel = "N",
            description = "Instead: about N times kill -9 of the agent, some a round.")
    private int agentKills;

    @Option(
            names = "--kafka-away",
            paramLabel = "N",
            description = "Instead: N writes while the broker is stopped; no guest may see it, and the agent's heap"
                    + " stays flat.")
    private int kafkaAway;

    @Option(
            names = "--latency-pairs",
            paramLabel = "N",
            description = "Instead: N paired measurements of a guest's writes with the broker there and stopped.")
    private int latencyPairs;

    @Option(
            names = "--seconds",
            paramLabel = "N",
            description = "How long fio writes in one half of such a pair (default: ${DEFAULT-VALUE}).")
    private int seconds = 5;

    @Option(names = "--seed", paramLabel = "N", description = "What is drawn; else a random one, which is printed.")
    private long seed = new SecureRandom().nextInt(Integer.MAX_VALUE);

    @Option(
            names = "--folder",
            paramLabel = "DIR",
            description = "Where all of it lies meanwhile, and is kept when a round fails; else a temporary folder.")
    private Path folder = Path.of("");

    /** Runs it and ends the process: 0 when everything held, 1 when not. */
    public static void main(String... arguments) {
        System.exit(new CommandLine(new ChaosMain()).execute(arguments));
    }

    @Override
    public Integer call() throws IOException, InterruptedException {
        Path work = folder.toString().isEmpty()
                ? Files.createTempDirectory("varve-chaos")
                : Files.createDirectories(folder.toAbsolutePath());
        boolean holds;
        try (EventLog events = EventLog.in(work.resolve("events.log"), line -> System.out.println(line))) {
            events.say("seed " + seed + ", folder " + work);
            holds = holds(work, events);
        }
        if (holds) {
            delete(work);
        }
        return holds ? 0 : 1;
    }

    /** What was found, when everything held. */
    private Record run(Path work, EventLog events) throws IOException, InterruptedException, RoundFailedException {
        if (latencyPairs > 0) {
            return KafkaLatency.run(work, events, new KafkaLatency.Settings(latencyPairs, seconds));
        }
        if (kafkaAway > 0) {
            return KafkaAway.run(work, events, new KafkaAway.Settings(kafkaAway, seed));
        }
        return agentKills > 0
                ? ChaosRun.run(
                        work,
                        events,
                        new ChaosRun.Settings(
                                Math.ceilDiv(agentKills, RoundPlan.AGENT_KILLS), seed, RoundPlan::killsOfTheAgent))
                : ChaosRun.run(work, events, new ChaosRun.Settings(rounds, seed, RoundPlan::draw));
    }

    private boolean holds(Path work, EventLog events) throws IOException, InterruptedException {
        try {
            events.say(run(work, events).toString());
            return true;
        } catch (RoundFailedException e) {
            events.say("NOT everything held: " + e.getMessage());
            events.say("seed " + seed + "; everything is kept in " + work);
            return false;
        }
    }

    /** Deletes a folder and all in it. */
    static void delete(Path folder) throws IOException {
        try (Stream<Path> found = Files.walk(folder)) {
            found.sorted(Comparator.reverseOrder()).forEach(path -> {
                try {
                    Files.delete(path);
                } catch (IOException e) {
                    throw new UncheckedIOException(e);
                }
            });
        }
    }
}

package io.varve.chaos;

import io.varve.archive.store.ObjectStore;
import java.io.IOException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.SplittableRandom;
import java.util.function.Function;

/**
 * Rounds of chaos on one stack: faults while backups are taken, then an increment of all drives that must be right,
 * then the proof of every sync point that was committed meanwhile. Thread: its owner's only.
 */
final class ChaosRun {
    /** So that chains stay short: an asked-for full backup now and then. */
    private static final int ROUNDS_PER_CHAIN = 8;

    private final ChaosStack chaos;
    private final EventLog events;
    private final SplittableRandom random;
    private final Nemesis nemesis;
    private final Ledger ledger;
    private int rounds;

    private ChaosRun(ChaosStack chaos, SplittableRandom random) {
        this.chaos = chaos;
        this.events = chaos.events();
        this.random = random;
        this.nemesis = new Nemesis(chaos.stack(), chaos.acknowledgements(), events);
        this.ledger = new Ledger(chaos);
    }

    /**
     * Runs rounds until one fails.
     *
     * @param folder empty; kept by the caller when it fails
     * @throws RoundFailedException which promise was broken; the event log has printed the round, the histories are
     *     kept
     */
    static Figures run(Path folder, EventLog events, Settings settings)
            throws IOException, InterruptedException, RoundFailedException {
        SplittableRandom random = new SplittableRandom(settings.seed());
        try (ChaosStack chaos = ChaosStack.start(folder, events)) {
            events.say("all serve: broker, store, streams, sink and agent, each a process of its own");
            chaos.startWriters(random.split());
            ChaosRun run = new ChaosRun(chaos, random);
            try {
                run.begin();
                for (int round = 1; round <= settings.rounds(); round++) {
                    run.round(settings);
                }
                return run.figures();
            } catch (IOException | RuntimeException | RoundFailedException e) {
                events.printRound();
                chaos.keepHistories();
                throw e;
            }
        }
    }

    /**
     * What is run.
     *
     * @param seed of all that is drawn
     * @param plan draws a round's
     */
    record Settings(int rounds, long seed, Function<SplittableRandom, RoundPlan> plan) {}

    private void begin() throws IOException, InterruptedException, RoundFailedException {
        settle(true);
    }

    private void round(Settings settings) throws IOException, InterruptedException, RoundFailedException {
        rounds++;
        events.startRound();
        RoundPlan plan = settings.plan().apply(random.split());
        events.say("round " + rounds + ": " + plan);
        long lossesBefore = losses();
        int killsBefore = nemesis.agentKills();
        chaos.fio().startLoad(random.nextInt(Integer.MAX_VALUE));
        BackupTaker taker = BackupTaker.start(chaos.backups(), driveNames(), random.split());
        try {
            nemesis.execute(plan);
            ledger.add(taker.stop());
        } finally {
            taker.abandon();
            chaos.fio().stopLoad();
        }
        checkLosses(losses() - lossesBefore, nemesis.agentKills() - killsBefore);
        settle(rounds % ROUNDS_PER_CHAIN == 0);
    }

    private static List<String> driveNames() {
        List<String> names = new ArrayList<>(ChaosStack.DRIVES);
        names.add(FioGuest.DRIVE);
        return names;
    }

    private long losses() {
        return chaos.writers().stream().mapToLong(DriveWriter::losses).sum();
    }

    /** A guest loses its connection by a death of the agent, and by nothing else (I9). */
    private void checkLosses(long losses, int agentKills) throws RoundFailedException {
        long most = (long) agentKills * chaos.writers().size();
        if (losses > most) {
            throw new RoundFailedException("writers lost their connections " + losses + " times, though the agent was"
                    + " killed " + agentKills + " times, which explains " + most);
        }
    }

    /** The next increment works, is right, and so is every sync point before it. */
    private void settle(boolean full) throws IOException, InterruptedException, RoundFailedException {
        long fioSeed = random.nextInt(Integer.MAX_VALUE);
        chaos.fio().fill(fioSeed);
        String last = new Settling(chaos.backups(), events).take(full, cut -> ledger.add(List.of(cut)));
        for (DriveWriter writer : chaos.writers()) {
            if (writer.failure().isPresent()) {
                throw new RoundFailedException(writer.failure().get());
            }
        }
        try (ObjectStore store = chaos.openStore()) {
            SyncPointProof proof = new SyncPointProof(store, chaos.folder().resolve("restored"));
            ledger.prove(proof, Optional.of(new Ledger.Filled(last, fioSeed)));
        }
    }

    private Figures figures() {
        return new Figures(
                rounds,
                nemesis.kills(),
                nemesis.pauses(),
                ledger.syncPoints(),
                ledger.drives(),
                ledger.incremental(),
                chaos.acknowledgements().count(),
                losses(),
                nemesis.agentBackNanos());
    }
}

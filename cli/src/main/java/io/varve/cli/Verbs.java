package io.varve.cli;

import io.varve.restore.ProgressLine;
import io.varve.restore.RestoreVerb;
import java.util.List;
import java.util.concurrent.Callable;

/** The verbs of the command, in the order in which the help lists them. */
final class Verbs {

    private Verbs() {}

    /** Each is a {@code @Command} class of its own. */
    static List<Callable<Integer>> all(Surroundings surroundings) {
        return List.of(
                new QuickstartVerb(surroundings),
                new UpVerb(surroundings),
                new CaptureVerb(surroundings),
                new ServeVerb(surroundings),
                new SinkVerb(surroundings),
                new StreamsVerb(surroundings),
                new BackupVerb(surroundings),
                new SyncPointsVerb(surroundings),
                new ReconcileVerb(surroundings),
                new RestoreVerb(
                        surroundings.out(),
                        surroundings.environment(),
                        ProgressLine.forTerminal(surroundings.err(), System::nanoTime)),
                new HandoverVerb(surroundings),
                new FeedVerb(surroundings),
                new QmpVerb(surroundings),
                new StateVerb(surroundings),
                new VersionVerb(surroundings));
    }
}

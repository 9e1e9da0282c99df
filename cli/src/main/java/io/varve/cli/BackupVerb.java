package io.varve.cli;

import com.fasterxml.jackson.databind.node.JsonNodeFactory;
import com.fasterxml.jackson.databind.node.ObjectNode;
import io.varve.cli.backup.BackupRequest;
import io.varve.cli.backup.BackupRequest.Wanted;
import io.varve.cli.backup.BackupRun;
import io.varve.cli.backup.DriveStatus;
import io.varve.cli.backup.ProgressLine;
import java.io.Console;
import java.io.IOException;
import java.time.InstantSource;
import java.util.List;
import java.util.Locale;
import java.util.Optional;
import java.util.concurrent.Callable;
import picocli.CommandLine.ArgGroup;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Option;
import picocli.CommandLine.Parameters;

/** Asks an agent for a sync point in the archive, and follows it to its end. */
@Command(
        name = "backup",
        description = "Back up the drives of an agent to the archive, all at one point in time: an increment where"
                + " one is possible, else a full backup.",
        mixinStandardHelpOptions = true)
final class BackupVerb implements Callable<Integer> {

    private static final double MEBIBYTE = 1 << 20;

    private final Surroundings surroundings;

    @Mixin
    private AgentOptions agent;

    @Parameters(paramLabel = "DRIVE", description = "Only these drives; else all that the agent has.")
    private List<String> drives = List.of();

    @ArgGroup
    private Kind kind = new Kind();

    @Option(
            names = "--bitmap",
            paramLabel = "NAME",
            defaultValue = "varve",
            description = "The bitmap that tells what changed; added when it's missing (default: ${DEFAULT-VALUE}).")
    private String bitmap;

    @ArgGroup
    private Mode mode = new Mode();

    @Option(names = "--json", description = "Print a JSON object of the outcome.")
    private boolean json;

    /** What kind of backups: at most one of them. */
    static final class Kind {

        @Option(names = "--full", description = "Full backups, which begin new chains.")
        private boolean full;

        @Option(
                names = "--incremental",
                description = "Increments, or nothing: where one isn't possible, say why, and what makes it so"
                        + " ('varve reconcile').")
        private boolean incremental;

        private Wanted wanted() {
            return full ? Wanted.FULL : incremental ? Wanted.INCREMENT : Wanted.ANY;
        }
    }

    /** What one drive's failure means for the others: one of them. */
    static final class Mode {

        @Option(names = "--grouped", description = "All drives commit together or none does; this is the default.")
        private boolean grouped;

        @Option(names = "--individual", description = "Each drive commits by itself.")
        private boolean individual;

        private boolean isGrouped() {
            return grouped || !individual;
        }
    }

    BackupVerb(Surroundings surroundings) {
        this.surroundings = surroundings;
    }

    @Override
    public Integer call() throws IOException, InterruptedException {
        try (var client = agent.connect()) {
            var run = BackupRun.start(client, new BackupRequest(drives, bitmap, kind.wanted(), mode.isGrouped()));
            if (!json) {
                run.jobs().forEach(this::print);
            }
            var outcome = follow(run);
            if (json) {
                printJson(run, outcome);
            } else {
                outcome.forEach(this::print);
                surroundings.out().println("sync point " + run.syncPoint());
            }
            boolean committed = outcome.stream().allMatch(drive -> drive.state() == DriveStatus.State.COMMITTED);
            return (committed ? ExitCode.DONE : ExitCode.FAILED).code();
        }
    }

    private List<DriveStatus> follow(BackupRun run) throws IOException, InterruptedException {
        boolean terminal =
                Optional.ofNullable(System.console()).map(Console::isTerminal).orElse(false);
        if (json || !terminal) {
            return run.awaitEnd(status -> {});
        }
        try (var line = new ProgressLine(surroundings.err(), InstantSource.system())) {
            return run.awaitEnd(line);
        }
    }

    private void print(BackupRun.Job job) {
        surroundings
                .out()
                .println(job.device() + "  " + job.sync()
                        + job.reason().map(why -> " because " + why).orElse("")
                        + job.cause().map(cause -> " (" + cause + ")").orElse(""));
    }

    private static void describe(BackupRun.Job job, ObjectNode json) {
        json.put("sync", job.sync());
        job.reason().ifPresent(why -> json.put("full-because", why));
        job.cause().ifPresent(cause -> json.put("full-cause", cause));
    }

    private void print(DriveStatus drive) {
        var copied = drive.totalBytes() == 0
                ? ""
                : String.format(Locale.ROOT, ", %.1f MiB copied", drive.copiedBytes() / MEBIBYTE);
        surroundings
                .out()
                .println(drive.device() + "  " + drive.state().word() + copied
                        + drive.reason().map(why -> ": " + why).orElse(""));
    }

    private void printJson(BackupRun run, List<DriveStatus> outcome) {
        var result = JsonNodeFactory.instance.objectNode().put("sync-point", run.syncPoint());
        var list = result.putArray("drives");
        for (var drive : outcome) {
            var one = list.addObject().put("device", drive.device());
            run.jobs().stream()
                    .filter(job -> job.device().equals(drive.device()))
                    .forEach(job -> describe(job, one));
            one.put("state", drive.state().word())
                    .put("copied-bytes", drive.copiedBytes())
                    .put("total-bytes", drive.totalBytes());
            drive.reason().ifPresent(why -> one.put("reason", why));
        }
        surroundings.out().println(result);
    }
}

package io.varve.cli;

import io.varve.capture.tracking.ReleasedDrive;
import io.varve.cli.handover.AgentDrive;
import io.varve.cli.handover.HandoverRun;
import io.varve.cli.handover.HandoverSource;
import io.varve.cli.handover.SilentSource;
import io.varve.cli.handover.StoppedSource;
import io.varve.cli.qmp.QmpClient;
import io.varve.core.handover.SourceSide;
import io.varve.core.handover.TargetSide;
import io.varve.core.id.DriveId;
import io.varve.core.id.IncarnationId;
import io.varve.formats.nbd.NbdAddress;
import java.io.IOException;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.Callable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.ParameterException;
import picocli.CommandLine.Parameters;
import picocli.CommandLine.Spec;

/** Hands drives over from one agent to another. */
@Command(
        name = "handover",
        description = {
            "Hand drives over from one agent to another, with their bitmaps: the source lets a drive go, the target",
            "serves it from then on, and its bitmaps follow. Repeat it when it was interrupted: it goes on."
        },
        mixinStandardHelpOptions = true)
final class HandoverVerb implements Callable<Integer> {

    /** A source waits for its guests' last writes. */
    private static final Duration PATIENCE = Duration.ofSeconds(90);

    private final Surroundings surroundings;

    @Spec
    private CommandSpec spec;

    @Option(names = "--from", paramLabel = "ADDR", description = "The source's QMP address, unix:PATH or HOST:PORT.")
    private Optional<String> from = Optional.empty();

    @Option(
            names = "--from-state",
            paramLabel = "DIR",
            description = "The source's state folder, when its agent died after it had let the drive go.")
    private Optional<Path> fromState = Optional.empty();

    @Option(names = "--to", paramLabel = "ADDR", description = "The target's QMP address, unix:PATH or HOST:PORT.")
    private Optional<String> to = Optional.empty();

    @Option(
            names = "--copied",
            description = "The target has a copy of the image, made after the source had let it go.")
    private boolean copied;

    @Option(
            names = "--release-only",
            description = "Have the source let the drives go, so that their images can be copied, and no more.")
    private boolean releaseOnly;

    @Option(
            names = "--give-up",
            description = "Do without marks that nobody has any more: bitmaps that need them become inconsistent.")
    private boolean giveUp;

    @Option(names = "--take-back", description = "Have the source serve drives again that it had let go.")
    private boolean takeBack;

    @Parameters(
            paramLabel = "DRIVE",
            arity = "1..*",
            description = "NAME, or NAME=PATH[,format=…] for an image that the target wasn't started with.")
    private List<String> drives = List.of();

    HandoverVerb(Surroundings surroundings) {
        this.surroundings = surroundings;
    }

    @Override
    public Integer call() throws IOException, InterruptedException, VerbFailedException {
        if (from.isEmpty() && fromState.isEmpty()) {
            throw misuse("No source is named; say --from ADDR, or --from-state DIR for one that died.");
        }
        if (to.isEmpty() && !takeBack) {
            throw misuse("No target is named; say --to ADDR.");
        }
        for (String text : drives) {
            if (takeBack) {
                takeBack(drive(text));
            } else {
                handOver(drive(text), text.contains("=") ? Optional.of(text) : Optional.empty());
            }
        }
        return ExitCode.DONE.code();
    }

    private DriveId drive(String text) {
        String name = text.contains("=") ? text.substring(0, text.indexOf('=')) : text;
        if (!DriveId.isValid(name)) {
            throw misuse("'" + name + "' can't be the name of a drive.");
        }
        return new DriveId(name);
    }

    private ParameterException misuse(String sentence) {
        return new ParameterException(spec.commandLine(), sentence);
    }

    private NbdAddress address(String text) {
        try {
            return NbdAddress.parse(text);
        } catch (IllegalArgumentException e) {
            throw new ParameterException(spec.commandLine(), String.valueOf(e.getMessage()), e);
        }
    }

    private void handOver(DriveId drive, Optional<String> image)
            throws IOException, InterruptedException, VerbFailedException {
        String target = to.orElseThrow();
        try (QmpClient there = QmpClient.connect(address(target), PATIENCE)) {
            var terms = new HandoverRun.Terms(target, copied, image, releaseOnly, giveUp);
            HandoverRun.End end = withSource(
                    drive,
                    source -> new HandoverRun(source, new AgentDrive(there, drive), terms, step -> tell(drive, step))
                            .run());
            switch (end) {
                case HandoverRun.End.Done _ -> tell(drive, "handed over to " + target);
                case HandoverRun.End.Released _ ->
                    tell(
                            drive,
                            "released; copy its image now, and repeat this with --copied and without"
                                    + " --release-only");
                case HandoverRun.End.Stopped(String reason) ->
                    throw new VerbFailedException("drive '" + drive + "': " + reason);
            }
        }
    }

    private void tell(DriveId drive, String what) {
        surroundings.out().println(drive + "  " + what);
    }

    /** What is done with a source. */
    private interface Task<T> {
        T with(HandoverSource source) throws IOException, InterruptedException;
    }

    private <T> T withSource(DriveId drive, Task<T> task) throws IOException, InterruptedException {
        if (fromState.isPresent()) {
            try (ReleasedDrive released = ReleasedDrive.ofStoppedAgent(fromState.get(), drive)) {
                return task.with(new StoppedSource(released));
            }
        }
        QmpClient agent;
        try {
            agent = QmpClient.connect(address(from.orElseThrow()), PATIENCE);
        } catch (IOException e) {
            return task.with(new SilentSource(String.valueOf(e.getMessage())));
        }
        try (agent) {
            return task.with(new AgentDrive(agent, drive));
        }
    }

    private void takeBack(DriveId drive) throws IOException, InterruptedException, VerbFailedException {
        if (to.isPresent()) {
            try (QmpClient there = QmpClient.connect(address(to.get()), PATIENCE)) {
                if (!(new AgentDrive(there, drive).targetSide() instanceof TargetSide.Absent)) {
                    throw new VerbFailedException("drive '" + drive + "' is at " + to.get()
                            + " already: hand it over from there, with --from and --to exchanged");
                }
            }
        }
        try (QmpClient agent = QmpClient.connect(
                address(from.orElseThrow(() -> misuse("--take-back needs the running source: say --from ADDR."))),
                PATIENCE)) {
            AgentDrive source = new AgentDrive(agent, drive);
            if (!(source.side() instanceof SourceSide.Released(IncarnationId handover))) {
                throw new VerbFailedException("drive '" + drive + "' isn't one that the source has let go and keeps");
            }
            source.takeBack(handover);
            tell(drive, "served by the source again");
        }
    }
}

package io.varve.chaos;

import io.varve.chaos.Cut.Ending;
import io.varve.cli.backup.BackupRequest;
import io.varve.cli.backup.BackupRequest.Wanted;
import io.varve.cli.backup.BackupRun;
import io.varve.cli.backup.DriveStatus;
import io.varve.cli.qmp.QmpClient;
import io.varve.cli.qmp.QmpRefusedException;
import io.varve.formats.nbd.NbdAddress;
import java.io.IOException;
import java.time.Duration;
import java.util.List;
import java.util.Optional;
import java.util.stream.Collectors;

/** Takes backups as {@code varve backup} does, one at a time, whatever happens to the agent meanwhile. */
final class Backups {
    /** Longer than any pause of the agent. */
    private static final Duration PATIENCE = Duration.ofMinutes(2);

    private static final String BITMAP = "varve";

    private final NbdAddress agent;
    private final EventLog events;

    Backups(NbdAddress agent, EventLog events) {
        this.agent = agent;
        this.events = events;
    }

    /** Takes one and waits for its end; empty when no agent answers. */
    Optional<Cut> take(Cut.Request request) throws InterruptedException {
        try (QmpClient client = QmpClient.connect(agent, PATIENCE)) {
            return Optional.of(take(client, request));
        } catch (IOException e) {
            // No cut was asked for.
            return Optional.empty();
        }
    }

    private Cut take(QmpClient client, Cut.Request request) throws InterruptedException {
        long askedNanos = System.nanoTime();
        BackupRun run;
        try {
            Wanted wanted = request.full() ? Wanted.FULL : Wanted.ANY;
            run = BackupRun.start(client, new BackupRequest(request.drives(), BITMAP, wanted, request.grouped()));
        } catch (QmpRefusedException e) {
            return ended(new Cut(request, askedNanos, System.nanoTime(), new Ending.Refused(said(e))));
        } catch (IOException e) {
            return ended(new Cut(request, askedNanos, System.nanoTime(), new Ending.Lost(Optional.empty())));
        }
        long answeredNanos = System.nanoTime();
        events.note("cut " + run.syncPoint() + ": " + request + ", " + run.jobs());
        return ended(new Cut(request, askedNanos, answeredNanos, await(run)));
    }

    private static Ending await(BackupRun run) throws InterruptedException {
        try {
            List<DriveStatus> drives = run.awaitEnd(status -> {});
            if (drives.stream().allMatch(drive -> drive.state() == DriveStatus.State.COMMITTED)) {
                return new Ending.Committed(run.syncPoint());
            }
            String reasons = drives.stream()
                    .map(drive -> drive.device() + " " + drive.state().word()
                            + drive.reason().map(reason -> " (" + reason + ")").orElse(""))
                    .collect(Collectors.joining(", "));
            return new Ending.NotCommitted(run.syncPoint(), reasons);
        } catch (IOException e) {
            return new Ending.Lost(Optional.of(run.syncPoint()));
        }
    }

    private Cut ended(Cut cut) {
        events.note("cut ended: " + cut.ending());
        return cut;
    }

    private static String said(IOException e) {
        return Optional.ofNullable(e.getMessage()).orElse(e.toString());
    }
}

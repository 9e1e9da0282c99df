package io.varve.cli.backup;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.json.JsonMapper;
import com.fasterxml.jackson.databind.node.ObjectNode;
import io.varve.cli.backup.BackupRequest.Wanted;
import io.varve.cli.backup.DriveStatus.State;
import io.varve.cli.qmp.QmpClient;
import io.varve.cli.qmp.QmpRefusedException;
import java.io.IOException;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.Optional;
import java.util.function.Consumer;

/** One sync point of an agent, from the request to its end. Thread: the client's owner. */
public final class BackupRun {

    private static final JsonMapper JSON = new JsonMapper();
    private static final Duration POLL = Duration.ofMillis(200);

    private final QmpClient client;
    private final String syncPoint;
    private final List<Job> jobs;

    private BackupRun(QmpClient client, String syncPoint, List<Job> jobs) {
        this.client = client;
        this.syncPoint = syncPoint;
        this.jobs = List.copyOf(jobs);
    }

    /**
     * One drive's job as it began.
     *
     * @param sync {@code full} or {@code incremental}
     * @param reason why it's a full one although nobody asked for that
     * @param cause the same for machines; a label of {@code io.varve.core.drive.FullCause}, or of a later version's
     */
    public record Job(String device, String sync, Optional<String> reason, Optional<String> cause) {}

    /**
     * Takes the cut and begins the jobs.
     *
     * @throws IOException in one sentence
     */
    public static BackupRun start(QmpClient client, BackupRequest request) throws IOException, InterruptedException {
        var drives = request.drives().isEmpty() ? drivesOf(client) : request.drives();
        if (drives.isEmpty()) {
            throw new IOException("The agent has no drive to back up");
        }
        var arguments = JSON.createObjectNode()
                .put("bitmap", request.bitmap())
                .put("full", request.wanted() == Wanted.FULL)
                .put("grouped", request.grouped());
        if (request.wanted() == Wanted.INCREMENT) {
            arguments.put("incremental", true);
        }
        var named = arguments.putArray("drives");
        drives.forEach(named::add);
        var started = client.execute("x-varve-backup", arguments);
        List<Job> jobs = new ArrayList<>();
        for (var job : started.path("jobs")) {
            jobs.add(new Job(text(job, "device"), text(job, "sync"), optional(job, "reason"), optional(job, "cause")));
        }
        return new BackupRun(client, text(started, "sync-point"), jobs);
    }

    private static List<String> drivesOf(QmpClient client) throws IOException, InterruptedException {
        List<String> drives = new ArrayList<>();
        for (var drive : client.execute("query-block", JSON.createObjectNode())) {
            drives.add(text(drive, "device"));
        }
        return drives;
    }

    /** Its id, by which it can be restored once it's committed. */
    public String syncPoint() {
        return syncPoint;
    }

    /** The jobs in the order of the drives. */
    public List<Job> jobs() {
        return jobs;
    }

    /**
     * Waits until every drive's backup is decided.
     *
     * @param progress hears of each look at it
     * @throws IOException in one sentence when the agent is lost
     */
    public List<DriveStatus> awaitEnd(Consumer<List<DriveStatus>> progress) throws IOException, InterruptedException {
        try {
            while (true) {
                var status = status();
                progress.accept(status);
                if (status.stream().allMatch(DriveStatus::isDecided)) {
                    return status;
                }
                boolean _ = client.awaitEvent(POLL);
            }
        } catch (QmpRefusedException e) {
            throw e;
        } catch (IOException e) {
            throw new IOException(
                    e.getMessage() + "; what becomes of sync point " + syncPoint + ", 'varve sync-points' tells", e);
        }
    }

    private List<DriveStatus> status() throws IOException, InterruptedException {
        ObjectNode arguments = JSON.createObjectNode().put("sync-point", syncPoint);
        List<DriveStatus> drives = new ArrayList<>();
        for (var drive : client.execute("x-varve-backup-status", arguments).path("drives")) {
            drives.add(new DriveStatus(
                    text(drive, "device"),
                    state(text(drive, "state")),
                    optional(drive, "reason"),
                    drive.path("copied-bytes").asLong(),
                    drive.path("total-bytes").asLong()));
        }
        if (drives.isEmpty()) {
            throw new IOException("The agent knows no drive of it");
        }
        return drives;
    }

    private static State state(String word) throws IOException {
        try {
            return State.valueOf(word.toUpperCase(Locale.ROOT));
        } catch (IllegalArgumentException e) {
            throw new IOException("The agent tells the state '" + word + "', which this version doesn't know", e);
        }
    }

    private static String text(JsonNode node, String field) throws IOException {
        return optional(node, field)
                .orElseThrow(() -> new IOException("The agent's reply has no '" + field + "', but " + node));
    }

    private static Optional<String> optional(JsonNode node, String field) {
        return Optional.ofNullable(node.get(field)).filter(JsonNode::isTextual).map(JsonNode::asText);
    }
}

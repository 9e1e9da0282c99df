package io.varve.cli;

import com.fasterxml.jackson.databind.node.JsonNodeFactory;
import com.fasterxml.jackson.databind.node.ObjectNode;
import io.varve.archive.Catalog;
import io.varve.archive.Manifest;
import io.varve.archive.SyncPoint;
import io.varve.archive.SyncPoint.DriveBackup;
import io.varve.archive.store.WhenMissing;
import java.io.IOException;
import java.time.Instant;
import java.time.ZoneOffset;
import java.time.format.DateTimeFormatter;
import java.util.List;
import java.util.Locale;
import java.util.concurrent.Callable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Option;

/** Lists what the archive holds, from the archive alone. */
@Command(
        name = "sync-points",
        description = "List the sync points that the archive holds, the oldest first.",
        mixinStandardHelpOptions = true)
final class SyncPointsVerb implements Callable<Integer> {

    private static final double MEBIBYTE = 1 << 20;
    private static final DateTimeFormatter TIME =
            DateTimeFormatter.ofPattern("yyyy-MM-dd HH:mm:ss'Z'", Locale.ROOT).withZone(ZoneOffset.UTC);

    private final Surroundings surroundings;

    @Mixin
    private ArchiveOptions archive;

    @Option(names = "--json", description = "Print a JSON array.")
    private boolean json;

    SyncPointsVerb(Surroundings surroundings) {
        this.surroundings = surroundings;
    }

    @Override
    public Integer call() throws IOException, VerbFailedException {
        var settings = archive.settings(surroundings.environment());
        try (var store = settings.open(WhenMissing.REFUSE)) {
            var points = new Catalog(store).list();
            if (json) {
                printJson(points);
            } else if (points.isEmpty()) {
                surroundings.out().println("The archive " + store.describe() + " holds no sync point yet.");
            } else {
                printTable(points);
            }
        }
        return ExitCode.DONE.code();
    }

    private void printTable(List<SyncPoint> points) {
        row("SYNC POINT", "TIME", "COMPLETION", "STATE", "DRIVE", "DIRTY", "STORED", "CHAIN");
        for (var point : points) {
            var id = point.id().value();
            var time = point.created().map(TIME::format).orElse("-");
            var completion = point.completion().name().toLowerCase(Locale.ROOT);
            if (point.drives().isEmpty()) {
                row(id, time, completion, stateOf(point), "-", "-", "-", reasonOf(point));
            }
            point.drives().forEach((drive, backup) -> {
                switch (backup) {
                    case DriveBackup.Committed(var _, Manifest manifest) ->
                        row(
                                id,
                                time,
                                completion,
                                "committed",
                                drive.value(),
                                mebibytes(manifest.data().dirtyBytes()),
                                mebibytes(manifest.data().lengthBytes()),
                                manifest.name().chain() + "/" + manifest.name().sequence() + causeOf(manifest));
                    case DriveBackup.Aborted(var reason) ->
                        row(id, time, completion, "aborted", drive.value(), "-", "-", reason);
                    case DriveBackup.Undecided() -> row(id, time, completion, "undecided", drive.value(), "-", "-", "");
                    case DriveBackup.Damaged(var sentence) ->
                        row(id, time, completion, "damaged", drive.value(), "-", "-", sentence);
                }
            });
        }
    }

    private void row(Object... cells) {
        surroundings
                .out()
                .println(String.format(Locale.ROOT, "%-38s  %-20s  %-10s  %-10s  %-12s  %10s  %10s  %s", cells)
                        .stripTrailing());
    }

    private static String mebibytes(long bytes) {
        return String.format(Locale.ROOT, "%.1f MiB", bytes / MEBIBYTE);
    }

    private static String causeOf(Manifest manifest) {
        return manifest.fullCause()
                .map(cause -> "  full (" + cause.label() + ")")
                .orElse("");
    }

    private static String stateOf(SyncPoint point) {
        return switch (point.state()) {
            case SyncPoint.State.Committed() -> "committed";
            case SyncPoint.State.Partial() -> "partial";
            case SyncPoint.State.Aborted _ -> "aborted";
            case SyncPoint.State.Undecided() -> "undecided";
        };
    }

    private static String reasonOf(SyncPoint point) {
        return point.state() instanceof SyncPoint.State.Aborted(var reason) ? reason : "";
    }

    private void printJson(List<SyncPoint> points) {
        var list = JsonNodeFactory.instance.arrayNode();
        for (var point : points) {
            var one = list.addObject()
                    .put("sync-point", point.id().value())
                    .put("completion", point.completion().name().toLowerCase(Locale.ROOT))
                    .put("state", stateOf(point));
            point.created().map(Instant::toString).ifPresent(time -> one.put("time", time));
            if (point.state() instanceof SyncPoint.State.Aborted(var reason)) {
                one.put("reason", reason);
            }
            var drives = one.putArray("drives");
            point.drives().forEach((drive, backup) -> add(drives.addObject().put("drive", drive.value()), backup));
        }
        surroundings.out().println(list);
    }

    private static void add(ObjectNode drive, DriveBackup backup) {
        switch (backup) {
            case DriveBackup.Committed(var ref, Manifest manifest) -> {
                drive.put("state", "committed")
                        .put("chain", manifest.name().chain().value())
                        .put("sequence", manifest.name().sequence())
                        .put("size-bytes", manifest.image().sizeBytes())
                        .put("dirty-bytes", manifest.data().dirtyBytes())
                        .put("stored-bytes", manifest.data().lengthBytes())
                        .put("object", manifest.data().key().value())
                        .put("manifest", ref.key());
                manifest.fullCause().ifPresent(cause -> drive.put("full-cause", cause.label()));
            }
            case DriveBackup.Aborted(var reason) ->
                drive.put("state", "aborted").put("reason", reason);
            case DriveBackup.Undecided() -> drive.put("state", "undecided");
            case DriveBackup.Damaged(var sentence) ->
                drive.put("state", "damaged").put("reason", sentence);
        }
    }
}

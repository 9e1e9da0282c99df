package io.varve.cli;

import com.fasterxml.jackson.databind.node.JsonNodeFactory;
import com.fasterxml.jackson.databind.node.ObjectNode;
import io.varve.capture.Host;
import io.varve.capture.activity.ActivityFile;
import io.varve.capture.tracking.StateDirectory;
import io.varve.capture.tracking.StateDirectory.Drive;
import io.varve.core.activity.RegionSpan;
import io.varve.core.bits.Extent;
import io.varve.core.drive.Anchor;
import io.varve.core.drive.Bitmap;
import io.varve.core.drive.BitmapStatus;
import io.varve.core.drive.Generation;
import io.varve.core.drive.Recording;
import io.varve.core.drive.Trust;
import io.varve.core.drive.UndecidedBackup;
import java.io.IOException;
import java.io.PrintStream;
import java.nio.file.Path;
import java.util.Locale;
import java.util.OptionalLong;
import java.util.concurrent.Callable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Option;
import picocli.CommandLine.Parameters;

/** Prints what an agent's state directory holds. */
@Command(
        name = "state",
        description = "Print what an agent's state directory holds: drives, journals, generations, bitmaps, backups"
                + " without an outcome, and the activity log. Changes nothing; an agent may be running.",
        mixinStandardHelpOptions = true)
final class StateVerb implements Callable<Integer> {

    private final Surroundings surroundings;

    @Parameters(paramLabel = "DIR", description = "The folder that varve capture's --state names.")
    private Path directory = Path.of("");

    @Option(
            names = "--live",
            paramLabel = "DIR",
            description = "The folder of the live bitmaps, if the agent has another than usual.")
    private Path live = Path.of("");

    @Option(names = "--json", description = "Print a JSON object.")
    private boolean json;

    StateVerb(Surroundings surroundings) {
        this.surroundings = surroundings;
    }

    @Override
    public Integer call() throws IOException {
        Path sets = live.toString().isEmpty() ? Host.liveDirectory(directory) : live;
        StateDirectory state = StateDirectory.look(directory, sets);
        if (json) {
            surroundings.out().println(json(state));
        } else {
            print(state, surroundings.out());
        }
        boolean isWhole = state.drives().stream().noneMatch(Drive.Unreadable.class::isInstance);
        return (isWhole ? ExitCode.DONE : ExitCode.FAILED).code();
    }

    private static void print(StateDirectory state, PrintStream out) {
        out.println(state.isUsed() ? "An agent is using it." : "No agent is using it.");
        for (Drive drive : state.drives()) {
            out.println();
            switch (drive) {
                case Drive.Unreadable(var id, String reason) -> out.println("drive " + id + ": unreadable: " + reason);
                case Drive.Known known -> print(known, out);
            }
        }
    }

    private static void print(Drive.Known drive, PrintStream out) {
        var state = drive.state();
        out.println("drive " + drive.id() + ": " + state.sizeBytes() + " bytes, " + trust(state.trust()));
        out.println("  journal " + state.journal() + ": control events up to " + state.control()
                + (drive.journal().tornBytes() > 0
                        ? ", and " + drive.journal().tornBytes() + " bytes of an append that isn't whole"
                        : ""));
        out.println("  last arrival " + arrival(drive) + (drive.isDetached() ? ", detached since" : ""));
        out.println("  incarnations, the oldest first: " + state.line());
        for (Generation generation : state.generations().values()) {
            out.println("  generation " + generation.number() + ": " + sealed(generation) + ", "
                    + bytes(dirtyBytes(drive, generation)) + " dirty, tracked by "
                    + generation.granularity().bytes());
        }
        for (Bitmap bitmap : state.newestFirst()) {
            out.println("  bitmap " + bitmap.name() + ": " + status(bitmap.status()) + ", generations "
                    + bitmap.generations() + ", "
                    + bitmap.anchor().map(StateVerb::anchor).orElse("no anchor"));
        }
        for (UndecidedBackup backup : state.undecided().values()) {
            out.println("  backup " + backup.mark().key().syncPoint() + ": "
                    + lower(backup.phase()).replace('_', ' ') + ", no outcome yet");
        }
        out.println("  activity log: " + activity(drive.activity()));
        for (Extent write : drive.lostWrites()) {
            out.println("  write of unknown outcome: " + write.lengthBytes() + " bytes at " + write.offsetBytes());
        }
    }

    private static String sealed(Generation generation) {
        return generation.seal().isPresent() ? "sealed" : "open";
    }

    private static OptionalLong dirtyBytes(Drive.Known drive, Generation generation) {
        return generation.seal().isPresent()
                ? OptionalLong.of(generation.seal().get().dirtyBytes())
                : drive.openBytes();
    }

    private static String bytes(OptionalLong bytes) {
        return bytes.isPresent() ? bytes.getAsLong() + " bytes" : "unknown bytes";
    }

    private static String arrival(Drive.Known drive) {
        return drive.lastArrival().map(StateVerb::lower).orElse("unknown");
    }

    private static String lower(Enum<?> value) {
        return value.name().toLowerCase(Locale.ROOT);
    }

    private static String trust(Trust trust) {
        return switch (trust) {
            case Trust.Sound() -> "sound";
            case Trust.Suspect(String reason) -> "suspect: " + reason;
        };
    }

    private static String status(BitmapStatus status) {
        return switch (status) {
            case BitmapStatus.Idle(Recording recording) -> recording == Recording.ENABLED ? "recording" : "disabled";
            case BitmapStatus.Busy busy -> "busy with backup " + busy.backup().syncPoint();
            case BitmapStatus.Incoming incoming -> "incoming: its marks are on their way from another agent";
            case BitmapStatus.Inconsistent inconsistent -> "inconsistent: " + inconsistent.reason();
        };
    }

    private static String anchor(Anchor anchor) {
        return "anchored at " + anchor.syncPoint() + " (" + anchor.chain() + "/" + anchor.sequence() + ")";
    }

    private static String activity(ActivityFile.Content content) {
        return switch (content) {
            case ActivityFile.Content.Absent() -> "none";
            case ActivityFile.Content.Damaged(String reason) -> "unreadable: " + reason;
            case ActivityFile.Content.Whole(var owner, var record) ->
                hotRegions(record.spans()) + " hot regions of " + RegionSpan.REGION_BYTES + " bytes, of incarnation "
                        + owner.incarnation();
        };
    }

    private static long hotRegions(Iterable<RegionSpan> spans) {
        long regions = 0;
        for (RegionSpan span : spans) {
            regions += span.count();
        }
        return regions;
    }

    private static ObjectNode json(StateDirectory state) {
        var all = JsonNodeFactory.instance.objectNode().put("in-use", state.isUsed());
        var drives = all.putArray("drives");
        for (Drive drive : state.drives()) {
            var one = drives.addObject().put("drive", drive.id().value());
            switch (drive) {
                case Drive.Unreadable(var id, String reason) -> one.put("unreadable", reason);
                case Drive.Known known -> add(one, known);
            }
        }
        return all;
    }

    private static void add(ObjectNode one, Drive.Known drive) {
        var state = drive.state();
        one.put("size-bytes", state.sizeBytes())
                .put("journal", state.journal().toString())
                .put("control", state.control())
                .put("torn-bytes", drive.journal().tornBytes())
                .put("last-arrival", arrival(drive))
                .put("detached", drive.isDetached());
        if (state.trust() instanceof Trust.Suspect(String reason)) {
            one.put("suspect", reason);
        }
        var line = one.putArray("incarnations");
        state.line().forEach(incarnation -> line.add(incarnation.toString()));
        addMarks(one, drive);
        addLostWrites(one, drive);
        var backups = one.putArray("undecided");
        state.undecided()
                .values()
                .forEach(backup -> backups.addObject()
                        .put("sync-point", backup.mark().key().syncPoint().value())
                        .put("phase", lower(backup.phase()).replace('_', '-')));
        switch (drive.activity()) {
            case ActivityFile.Content.Absent() -> one.putNull("activity-log");
            case ActivityFile.Content.Damaged(String reason) ->
                one.putObject("activity-log").put("unreadable", reason);
            case ActivityFile.Content.Whole(var owner, var record) -> {
                var log = one.putObject("activity-log")
                        .put("incarnation", owner.incarnation().toString())
                        .put("sequence", record.sequence())
                        .put("region-bytes", RegionSpan.REGION_BYTES);
                var spans = log.putArray("hot-regions");
                record.spans()
                        .forEach(span ->
                                spans.addObject().put("first", span.first()).put("count", span.count()));
            }
        }
    }

    private static void addLostWrites(ObjectNode one, Drive.Known drive) {
        var writes = one.putArray("lost-writes");
        drive.lostWrites()
                .forEach(write -> writes.addObject()
                        .put("offset-bytes", write.offsetBytes())
                        .put("length-bytes", write.lengthBytes()));
    }

    private static void addMarks(ObjectNode one, Drive.Known drive) {
        var generations = one.putArray("generations");
        for (Generation generation : drive.state().generations().values()) {
            var added = generations
                    .addObject()
                    .put("number", generation.number())
                    .put("state", sealed(generation))
                    .put("granularity", generation.granularity().bytes());
            dirtyBytes(drive, generation).ifPresent(bytes -> added.put("dirty-bytes", bytes));
        }
        var bitmaps = one.putArray("bitmaps");
        for (Bitmap bitmap : drive.state().newestFirst()) {
            var added = bitmaps.addObject()
                    .put("name", bitmap.name().value())
                    .put("status", status(bitmap.status()))
                    .put("granularity", bitmap.granularity().bytes())
                    .put("persistent", bitmap.persistent());
            var numbers = added.putArray("generations");
            bitmap.generations().forEach(numbers::add);
            bitmap.anchor()
                    .ifPresent(anchor -> added.putObject("anchor")
                            .put("sync-point", anchor.syncPoint().value())
                            .put("chain", anchor.chain().value())
                            .put("sequence", anchor.sequence()));
        }
    }
}

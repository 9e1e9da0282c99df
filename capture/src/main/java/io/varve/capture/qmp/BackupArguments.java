package io.varve.capture.qmp;

import static io.varve.capture.qmp.Parameter.choice;
import static io.varve.capture.qmp.Parameter.optional;
import static io.varve.capture.qmp.Parameter.optionalFlag;
import static io.varve.capture.qmp.Parameter.optionalText;
import static io.varve.capture.qmp.Parameter.required;
import static io.varve.capture.qmp.Parameter.text;

import io.varve.capture.job.JobAction;
import io.varve.capture.job.JobTerms;
import io.varve.capture.job.OnError;
import io.varve.core.drive.BackupTarget;
import io.varve.core.drive.BitmapMode;
import io.varve.core.transaction.Action;
import io.varve.core.transaction.SyncMode;
import java.util.List;
import java.util.Optional;
import java.util.stream.Stream;

/** The arguments of drive-backup (QAPI's DriveBackup in 7.2), and which of them Varve can follow. */
final class BackupArguments {
    /** The target that means the archive. */
    static final String ARCHIVE = "archive:";

    private static final long CLUSTER_BYTES = 64 * 1024;
    private static final List<String> ON_ERROR = List.of("report", "ignore", "enospc", "stop", "auto");

    private static final Parameter.Type PERF = new Parameter.Type.Struct(List.of(
            optionalFlag("use-copy-range"),
            optional("max-workers", new Parameter.Type.Whole()),
            optional("max-chunk", new Parameter.Type.Whole())));

    /** What both commands take. */
    private static final List<Parameter> COMMON = List.of(
            optionalText("job-id"),
            text("device"),
            required("sync", choice("top", "full", "none", "incremental", "bitmap")),
            optional("speed", new Parameter.Type.Whole()),
            optionalText("bitmap"),
            optional("bitmap-mode", choice("on-success", "never", "always")),
            optionalFlag("compress"),
            optional("on-source-error", new Parameter.Type.Choice(ON_ERROR)),
            optional("on-target-error", new Parameter.Type.Choice(ON_ERROR)),
            optionalFlag("auto-finalize"),
            optionalFlag("auto-dismiss"),
            optionalText("filter-node-name"),
            optional("x-perf", PERF));

    /** Of drive-backup. */
    static final List<Parameter> DRIVE =
            with(text("target"), optionalText("format"), optional("mode", choice("existing", "absolute-paths")));

    /** Of blockdev-backup. */
    static final List<Parameter> BLOCKDEV = with(text("target"));

    private BackupArguments() {}

    private static List<Parameter> with(Parameter... more) {
        return Stream.concat(COMMON.stream(), Stream.of(more)).toList();
    }

    /** A blockdev-backup: to a node. */
    static JobAction.Backup toNode(Arguments arguments) throws QmpException {
        checkSupported(arguments);
        return new JobAction.Backup(
                new Action.Backup(
                        arguments.text("device"),
                        sync(arguments.text("sync"), false),
                        arguments.optionalText("bitmap"),
                        arguments.optionalText("bitmap-mode").map(BackupArguments::bitmapMode),
                        BackupTarget.FILE),
                arguments.optionalText("job-id"),
                new JobAction.Target.Node(arguments.text("target")),
                terms(arguments));
    }

    private static JobTerms terms(Arguments arguments) {
        return new JobTerms(onError(arguments, "on-source-error"), onError(arguments, "on-target-error"));
    }

    private static OnError onError(Arguments arguments, String name) {
        return switch (arguments.optionalText(name).orElse("report")) {
            case "ignore" -> OnError.IGNORE;
            case "enospc", "auto" -> OnError.ENOSPC;
            case "stop" -> OnError.STOP;
            default -> OnError.REPORT;
        };
    }

    static JobAction.Backup action(Arguments arguments) throws QmpException {
        checkSupported(arguments);
        String target = arguments.text("target");
        boolean isOfArchive = target.equals(ARCHIVE);
        Optional<BitmapMode> mode = arguments.optionalText("bitmap-mode").map(BackupArguments::bitmapMode);
        Action.Backup action = new Action.Backup(
                arguments.text("device"),
                sync(arguments.text("sync"), isOfArchive),
                arguments.optionalText("bitmap"),
                mode,
                isOfArchive ? BackupTarget.ARCHIVE : BackupTarget.FILE);
        boolean isPrepared =
                arguments.optionalText("mode").filter("existing"::equals).isPresent();
        return new JobAction.Backup(
                action,
                arguments.optionalText("job-id"),
                isOfArchive
                        ? new JobAction.Target.Archive()
                        : new JobAction.Target.File(
                                target,
                                arguments.optionalText("format"),
                                isPrepared ? JobAction.Mode.EXISTING : JobAction.Mode.ABSOLUTE_PATHS),
                terms(arguments));
    }

    /** A drive has no backing file that QEMU's 'top' could leave out: QEMU copies all of it, too. */
    private static SyncMode sync(String name, boolean isOfArchive) throws QmpException {
        return switch (name) {
            case "full", "top" -> SyncMode.FULL;
            case "incremental" -> SyncMode.INCREMENTAL;
            case "bitmap" -> SyncMode.BITMAP;
            case "none" -> {
                if (!isOfArchive) {
                    throw unsupported("sync", "none", "read the point in time as an NBD export instead");
                }
                yield SyncMode.NONE;
            }
            default -> throw new IllegalArgumentException(name);
        };
    }

    private static BitmapMode bitmapMode(String name) {
        return switch (name) {
            case "on-success" -> BitmapMode.ON_SUCCESS;
            case "never" -> BitmapMode.NEVER;
            case "always" -> BitmapMode.ALWAYS;
            default -> throw new IllegalArgumentException(name);
        };
    }

    private static void checkSupported(Arguments arguments) throws QmpException {
        long speed = arguments.optionalNumber("speed").orElse(0L);
        if (speed < 0) {
            throw QmpException.generic("Parameter 'speed' expects a non-negative value");
        }
        if (speed > 0) {
            throw unsupported("speed", String.valueOf(speed), "leave it out: guests' writes don't wait for a target");
        }
        if (arguments.flag("compress", false)) {
            throw arguments.optionalText("format").filter("qcow2"::equals).isPresent()
                    ? unsupported("compress", "true", "leave it out")
                    : QmpException.generic("Compression is not supported for this drive ");
        }
        for (String name : List.of("auto-finalize", "auto-dismiss")) {
            if (!arguments.flag(name, true)) {
                throw unsupported(name, "false", "leave it out");
            }
        }
        if (arguments.has("x-perf")) {
            checkPerf(arguments.struct("x-perf"));
        }
    }

    private static void checkPerf(Arguments perf) throws QmpException {
        long workers = perf.optionalNumber("max-workers").orElse(1L);
        if (workers < 1 || workers > Integer.MAX_VALUE) {
            throw QmpException.generic("max-workers must be between 1 and " + Integer.MAX_VALUE);
        }
        long chunk = perf.optionalNumber("max-chunk").orElse(0L);
        if (chunk < 0) {
            throw QmpException.generic("max-chunk must be zero (which means no limit) or positive");
        }
        if (chunk > 0 && chunk < CLUSTER_BYTES) {
            throw QmpException.generic(
                    "Required max-chunk (" + chunk + ") is less than backup cluster size (" + CLUSTER_BYTES + ")");
        }
    }

    private static QmpException unsupported(String parameter, String value, String instead) {
        return QmpException.generic(
                "Parameter '" + parameter + "' with value '" + value + "' isn't supported by Varve: " + instead);
    }
}

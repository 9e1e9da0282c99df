package io.varve.capture.qmp;

import static io.varve.capture.qmp.Parameter.choice;
import static io.varve.capture.qmp.Parameter.optional;
import static io.varve.capture.qmp.Parameter.optionalFlag;
import static io.varve.capture.qmp.Parameter.optionalText;
import static io.varve.capture.qmp.Parameter.required;
import static io.varve.capture.qmp.Parameter.text;

import io.varve.capture.job.JobAction;
import io.varve.capture.job.JobTerms;
import io.varve.core.drive.BackupTarget;
import io.varve.core.drive.BitmapMode;
import io.varve.core.job.ErrorPolicy;
import io.varve.core.job.JobSetup;
import io.varve.core.transaction.Action;
import io.varve.core.transaction.SyncMode;
import java.util.Arrays;
import java.util.List;
import java.util.Optional;
import java.util.stream.Stream;

/** The arguments of drive-backup (QAPI's DriveBackup in 7.2). */
final class BackupArguments {
    /** The target that means the archive. */
    static final String ARCHIVE = "archive:";

    static final List<String> ON_ERROR = List.of("report", "ignore", "enospc", "stop", "auto");

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
    static JobAction.Backup toNode(Arguments arguments) {
        return new JobAction.Backup(
                new Action.Backup(
                        arguments.text("device"),
                        sync(arguments.text("sync")),
                        arguments.optionalText("bitmap"),
                        arguments.optionalText("bitmap-mode").map(BackupArguments::bitmapMode),
                        BackupTarget.FILE),
                arguments.optionalText("job-id"),
                new JobAction.Target.Node(arguments.text("target")),
                terms(arguments));
    }

    private static JobTerms terms(Arguments arguments) {
        Optional<Arguments> perf = arguments.has("x-perf") ? Optional.of(arguments.struct("x-perf")) : Optional.empty();
        return new JobTerms(
                new JobSetup.ErrorPolicies(
                        onError(arguments, "on-source-error"), onError(arguments, "on-target-error")),
                endings(arguments),
                arguments.optionalNumber("speed").orElse(0L),
                arguments.flag("compress", false),
                arguments.optionalText("filter-node-name"),
                new JobTerms.Perf(
                        perf.flatMap(p -> p.optionalNumber("max-workers")).orElse(JobTerms.Perf.DEFAULT.workersMax()),
                        perf.flatMap(p -> p.optionalNumber("max-chunk"))
                                .orElse(JobTerms.Perf.DEFAULT.chunkBytesMax())));
    }

    static JobSetup.Endings endings(Arguments arguments) {
        return new JobSetup.Endings(arguments.flag("auto-finalize", true), arguments.flag("auto-dismiss", true));
    }

    static ErrorPolicy onError(Arguments arguments, String name) {
        String wanted = arguments.optionalText(name).orElse(ErrorPolicy.REPORT.qmpName());
        return Arrays.stream(ErrorPolicy.values())
                .filter(policy -> policy.qmpName().equals(wanted))
                .findFirst()
                .orElseThrow();
    }

    static JobAction.Backup action(Arguments arguments) throws QmpException {
        String target = arguments.text("target");
        boolean isOfArchive = target.equals(ARCHIVE);
        if (isOfArchive) {
            checkArchive(arguments);
        }
        Optional<BitmapMode> mode = arguments.optionalText("bitmap-mode").map(BackupArguments::bitmapMode);
        Action.Backup action = new Action.Backup(
                arguments.text("device"),
                sync(arguments.text("sync")),
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

    private static SyncMode sync(String name) {
        return Arrays.stream(SyncMode.values())
                .filter(mode -> mode.qmpName().equals(name))
                .findFirst()
                .orElseThrow();
    }

    private static BitmapMode bitmapMode(String name) {
        return switch (name) {
            case "on-success" -> BitmapMode.ON_SUCCESS;
            case "never" -> BitmapMode.NEVER;
            case "always" -> BitmapMode.ALWAYS;
            default -> throw new IllegalArgumentException(name);
        };
    }

    /** Sinks write as they do: only they could be slower, or compress. */
    private static void checkArchive(Arguments arguments) throws QmpException {
        if (arguments.optionalNumber("speed").orElse(0L) > 0) {
            throw unsupported("speed", "guests' writes don't wait for a sink");
        }
        if (arguments.flag("compress", false)) {
            throw unsupported("compress", "sinks compress when they are told to");
        }
    }

    private static QmpException unsupported(String parameter, String why) {
        return QmpException.generic(
                "Parameter '" + parameter + "' isn't supported with target '" + ARCHIVE + "': leave it out; " + why);
    }
}

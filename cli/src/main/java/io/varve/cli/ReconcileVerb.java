package io.varve.cli;

import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.JsonNodeFactory;
import io.varve.archive.store.ObjectStore;
import io.varve.archive.store.WhenMissing;
import io.varve.cli.qmp.QmpClient;
import io.varve.cli.reconcile.ImageSource;
import io.varve.cli.reconcile.Reconciled;
import io.varve.cli.reconcile.Reconciler;
import io.varve.core.id.BitmapName;
import io.varve.restore.ProgressLine;
import io.varve.transfer.nbd.TlsCredentials;
import io.varve.transfer.source.NbdSourceOptions;
import java.io.IOException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.Optional;
import java.util.concurrent.Callable;
import picocli.CommandLine.ArgGroup;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.ParameterException;
import picocli.CommandLine.Parameters;
import picocli.CommandLine.Spec;

/** Makes bitmaps right again that can't be trusted, by comparing their drives with the archive. */
@Command(
        name = "reconcile",
        description = {
            "Compare drives of an agent with their last sync point in the archive, so that the next backup is an"
                    + " increment with only what differs.",
            "",
            "For a drive whose bitmap is inconsistent (its image was changed while no agent had it, the host was"
                    + " restarted, the agent's state was lost): each drive is read once, as it is at one point in"
                    + " time, and compared by checksums; nothing is uploaded, and guests go on writing. The drives"
                    + " are taken one after the other. Whatever fails leaves the bitmap as it was."
        },
        mixinStandardHelpOptions = true)
final class ReconcileVerb implements Callable<Integer> {

    private static final double MEBIBYTE = 1 << 20;

    private final Surroundings surroundings;

    @Spec
    private CommandSpec spec;

    @Mixin
    private AgentOptions agent;

    @Mixin
    private ArchiveOptions archive;

    @Parameters(arity = "1..*", paramLabel = "DRIVE", description = "The drives, as 'varve backup' names them.")
    private List<String> drives = List.of();

    @Option(
            names = "--bitmap",
            paramLabel = "NAME",
            defaultValue = "varve",
            description = "The bitmap that will hold what differs; made when it's missing (default: ${DEFAULT-VALUE}).")
    private String bitmap;

    @ArgGroup
    private With with = new With();

    @Option(
            names = "--tls-certs",
            paramLabel = "DIR",
            description = "Encrypt connections to the agent's exports by TCP, with certificates, as 'varve sink' does.")
    private Path tlsCerts = Path.of("");

    @Option(names = "--json", description = "Print a JSON array of what was found.")
    private boolean json;

    /** What the drives are compared with: at most one of them. */
    static final class With {

        @Option(
                names = "--sync-point",
                paramLabel = "ID",
                description = "This sync point instead of the last one; the next increment lies on it.")
        private String syncPoint = "";

        @Option(
                names = "--image",
                paramLabel = "PATH[,format=qcow2][,backing=on]",
                description = "An image of this host instead of the archive: it holds one drive as it was at a backup"
                        + " to a file. The bitmap is then for increments to files.")
        private String image = "";
    }

    ReconcileVerb(Surroundings surroundings) {
        this.surroundings = surroundings;
    }

    @Override
    public Integer call() throws IOException, InterruptedException {
        if (!with.image.isEmpty() && drives.size() > 1) {
            throw new ParameterException(spec.commandLine(), "--image holds one drive, but several are named.");
        }
        List<Reconciled> done = new ArrayList<>();
        try (QmpClient client = agent.connect()) {
            Reconciler reconciler = new Reconciler(
                    client, name(), reading(), ProgressLine.forTerminal(surroundings.err(), System::nanoTime));
            if (with.image.isEmpty()) {
                withArchive(reconciler, done);
            } else {
                withImage(reconciler, done);
            }
        } finally {
            // One that fails doesn't undo those before.
            if (json) {
                printJson(done);
            }
        }
        return ExitCode.DONE.code();
    }

    private void withArchive(Reconciler reconciler, List<Reconciled> done) throws IOException, InterruptedException {
        var settings = archive.settings(surroundings.environment());
        try (ObjectStore store = settings.open(WhenMissing.REFUSE)) {
            for (String drive : drives) {
                add(reconciler.with(store, drive, Optional.of(with.syncPoint).filter(id -> !id.isEmpty())), done);
            }
        }
    }

    private void withImage(Reconciler reconciler, List<Reconciled> done) throws IOException, InterruptedException {
        try (ImageSource image = image()) {
            add(reconciler.with(image, drives.getFirst()), done);
        }
    }

    private ImageSource image() throws IOException {
        try {
            return ImageSource.open(with.image);
        } catch (IllegalArgumentException e) {
            throw new ParameterException(spec.commandLine(), "--image: " + e.getMessage(), e);
        }
    }

    private BitmapName name() {
        try {
            return new BitmapName(bitmap);
        } catch (IllegalArgumentException e) {
            throw new ParameterException(spec.commandLine(), "--bitmap: " + e.getMessage(), e);
        }
    }

    private NbdSourceOptions reading() throws IOException {
        return tlsCerts.toString().isEmpty()
                ? NbdSourceOptions.DEFAULT
                : NbdSourceOptions.DEFAULT.withTls(TlsCredentials.client(tlsCerts));
    }

    private void add(Reconciled drive, List<Reconciled> done) {
        done.add(drive);
        if (!json) {
            print(drive);
        }
    }

    private void print(Reconciled drive) {
        surroundings
                .out()
                .println(String.format(
                        Locale.ROOT,
                        "%s  reconciled with %s: %.1f of %.1f MiB differ, %.1f MiB are dirty now%s",
                        drive.device(),
                        drive.comparedWith().map(id -> "sync point " + id).orElse("the image"),
                        drive.differingBytes() / MEBIBYTE,
                        drive.sizeBytes() / MEBIBYTE,
                        drive.dirtyBytes() / MEBIBYTE,
                        drive.inconsistency()
                                .map(why -> " (the bitmap was inconsistent: " + why + ")")
                                .orElse("")));
    }

    private void printJson(List<Reconciled> done) {
        ArrayNode list = JsonNodeFactory.instance.arrayNode();
        for (Reconciled drive : done) {
            var one = list.addObject()
                    .put("device", drive.device())
                    .put("size-bytes", drive.sizeBytes())
                    .put("differing-bytes", drive.differingBytes())
                    .put("dirty-bytes", drive.dirtyBytes());
            drive.comparedWith().ifPresent(id -> one.put("sync-point", id));
            drive.inconsistency().ifPresent(why -> one.put("reason", why));
        }
        surroundings.out().println(list);
    }
}

package io.varve.restore;

import com.fasterxml.jackson.databind.json.JsonMapper;
import com.fasterxml.jackson.databind.node.ArrayNode;
import io.varve.archive.ArchiveSettings;
import io.varve.archive.store.ObjectStore;
import io.varve.archive.store.WhenMissing;
import java.io.IOException;
import java.io.PrintStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.ZoneId;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;
import java.util.Properties;
import java.util.concurrent.Callable;
import picocli.CommandLine.ArgGroup;
import picocli.CommandLine.Command;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Model.OptionSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.ParameterException;
import picocli.CommandLine.Spec;

/** The verb {@code restore}; a failure is an {@link IOException} whose message is the sentence for the user. */
@Command(
        name = "restore",
        description = "Restore the drives of a sync point from the archive to raw images.",
        mixinStandardHelpOptions = true)
public final class RestoreVerb implements Callable<Integer> {
    /** Names the properties file; the command line around this verb defines the option. */
    static final String CONFIG = "--config";

    private static final String PROPERTIES = "varve.properties";
    private static final long MEBIBYTE = 1 << 20;

    private final PrintStream out;
    private final Map<String, String> environment;
    private final RestoreProgress progress;

    @Spec
    private CommandSpec spec;

    @ArgGroup(multiplicity = "1")
    private Wanted wanted = new Wanted();

    /** Which state is wanted; one of them. */
    static final class Wanted {
        @Option(names = "--sync-point", paramLabel = "ID", description = "As 'varve sync-points' shows it.")
        private String syncPoint = "";

        @Option(
                names = "--at",
                paramLabel = "TIME",
                description = "The latest sync point that was whole by then: 2026-11-24T10:15 here, or"
                        + " 2026-11-24T10:15:00Z.")
        private String time = "";
    }

    @Option(names = "--drive", paramLabel = "DRIVE", description = "Only this drive; else all of the sync point.")
    private String drive = "";

    @Option(
            names = "--to",
            paramLabel = "TARGET",
            required = true,
            description = "The new image file, or a folder for DRIVE.raw each; nothing is replaced.")
    private Path target = Path.of("");

    @Option(names = "--archive", paramLabel = "LOCATION", description = "s3://BUCKET/PREFIX or file:DIR.")
    private String archive = "";

    @Option(names = "--s3-endpoint", paramLabel = "URL", description = "The S3 server; AWS when not said.")
    private String endpoint = "";

    @Option(names = "--s3-region", paramLabel = "REGION", description = "Its region.")
    private String region = "";

    @Option(
            names = "--s3-credentials",
            paramLabel = "FILE",
            description = "Properties file with s3-access-key and s3-secret-key; else AWS's environment variables.")
    private String credentials = "";

    @Option(
            names = "--data",
            paramLabel = "DIR",
            description = "The folder of 'varve up', whose " + PROPERTIES + " names the archive; else ./varve-data.")
    private Path data = Path.of("varve-data");

    @Option(names = "--json", description = "Print a JSON array of what was restored.")
    private boolean json;

    /**
     * Makes the verb.
     *
     * @param environment the environment variables
     */
    public RestoreVerb(PrintStream out, Map<String, String> environment, RestoreProgress progress) {
        this.out = out;
        this.environment = Map.copyOf(environment);
        this.progress = progress;
    }

    @Override
    public Integer call() throws IOException {
        ArchiveSettings settings = settings();
        try (ObjectStore store = settings.open(WhenMissing.REFUSE)) {
            String syncPoint = wanted.time.isEmpty()
                    ? wanted.syncPoint
                    : new SyncPointAt(store).find(wanted.time, ZoneId.systemDefault());
            List<RestoredDrive> restored = new Restore(store, progress)
                    .run(syncPoint, Optional.of(drive).filter(name -> !name.isEmpty()), target);
            if (json) {
                printJson(restored);
            } else {
                restored.forEach(this::print);
            }
            return 0;
        }
    }

    private ArchiveSettings settings() throws IOException {
        Properties values = new Properties();
        Optional<Path> file = configuration();
        if (file.isPresent()) {
            values.putAll(ArchiveSettings.load(file.get()));
        }
        put(values, ArchiveSettings.ARCHIVE, archive);
        put(values, ArchiveSettings.ENDPOINT, endpoint);
        put(values, ArchiveSettings.REGION, region);
        put(values, ArchiveSettings.CREDENTIALS, credentials);
        try {
            return ArchiveSettings.of(values, environment);
        } catch (IllegalArgumentException e) {
            throw new ParameterException(spec.commandLine(), String.valueOf(e.getMessage()), e);
        }
    }

    /** The file that's named, else the one of 'varve up' unless the archive is named. */
    private Optional<Path> configuration() {
        OptionSpec named = spec.findOption(CONFIG);
        if (named != null && named.getValue() instanceof Path file) {
            return Optional.of(file);
        }
        Path ofUp = data.resolve(PROPERTIES);
        return archive.isEmpty() && Files.exists(ofUp) ? Optional.of(ofUp) : Optional.empty();
    }

    private static void put(Properties values, String name, String value) {
        if (!value.isEmpty()) {
            values.setProperty(name, value);
        }
    }

    private void print(RestoredDrive restored) {
        out.printf(
                Locale.ROOT,
                "%s  %s  %d MiB, %d MiB read from %d %s%n",
                restored.drive(),
                restored.file(),
                restored.sizeBytes() / MEBIBYTE,
                restored.readBytes() / MEBIBYTE,
                restored.backups(),
                restored.backups() == 1 ? "backup" : "backups");
    }

    private void printJson(List<RestoredDrive> restored) {
        ArrayNode drives = new JsonMapper().createArrayNode();
        for (RestoredDrive one : restored) {
            drives.addObject()
                    .put("drive", one.drive().value())
                    .put("file", one.file().toString())
                    .put("size-bytes", one.sizeBytes())
                    .put("backups", one.backups())
                    .put("read-bytes", one.readBytes());
        }
        out.println(drives);
    }
}

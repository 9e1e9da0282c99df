package io.varve.cli;

import io.varve.capture.CaptureConfig;
import io.varve.capture.CaptureRole;
import io.varve.capture.DriveArgument;
import io.varve.capture.Host;
import io.varve.capture.activity.ActivityOptions;
import io.varve.capture.nbd.ExportRegistry;
import io.varve.capture.tracking.AgentOptions;
import io.varve.capture.tracking.AgentSurroundings;
import io.varve.formats.nbd.NbdAddress;
import java.io.IOException;
import java.nio.file.Path;
import java.security.SecureRandom;
import java.time.InstantSource;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.Callable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.ParameterException;
import picocli.CommandLine.Parameters;
import picocli.CommandLine.Spec;

/** Runs an agent until it's interrupted, or told to quit by QMP. */
@Command(
        name = "capture",
        description = "Run the capture agent: serve drives by NBD, track what their guests write, take commands by QMP,"
                + " publish to Kafka where it is there.",
        mixinStandardHelpOptions = true)
final class CaptureVerb implements Callable<Integer> {

    private final Surroundings surroundings;

    @Spec
    private CommandSpec spec;

    @Mixin
    private KafkaOptions kafka;

    @Mixin
    private RoleOptions role;

    @Option(
            names = "--state",
            paramLabel = "DIR",
            required = true,
            description = "Durable folder of the journals and bitmaps; one agent each.")
    private Path state;

    @Option(
            names = "--live",
            paramLabel = "DIR",
            description = "Memory-backed folder of the live bitmaps; else one in /dev/shm.")
    private Path live = Path.of("");

    @Option(
            names = "--nbd",
            paramLabel = "ADDR",
            defaultValue = "127.0.0.1:10809",
            description = "Serve NBD on unix:PATH or HOST:PORT; may be repeated (default: ${DEFAULT-VALUE}).")
    private List<String> nbd;

    @Option(
            names = "--tls-certs",
            paramLabel = "DIR",
            description = "Demand TLS of NBD clients that come by TCP, with certificates: DIR has ca-cert.pem,"
                    + " server-cert.pem and server-key.pem, as for QEMU's tls-creds-x509.")
    private Path tlsCerts = Path.of("");

    @Option(
            names = "--qmp",
            paramLabel = "ADDR",
            description = "Take QMP commands on unix:PATH or HOST:PORT; may be repeated.")
    private List<String> qmp = List.of();

    @Option(
            names = "--export-address",
            paramLabel = "ADDR",
            description = "Where sinks reach the snapshots; else the first --nbd.")
    private String exportAddress = "";

    @Option(
            names = "--fleece",
            paramLabel = "DIR",
            description = "Folder for what guests overwrite while a backup runs; else the state folder.")
    private Path fleece = Path.of("");

    @Option(
            names = "--fleece-limit",
            paramLabel = "BYTES",
            description = "How much one snapshot may keep there; else what the disk holds.")
    private long fleeceBytesMax = Long.MAX_VALUE;

    @Option(
            names = "--cbw-timeout",
            paramLabel = "MILLIS",
            description = "How long a guest's write may wait for old content to be kept, before the backup is given up"
                    + " (default: ${DEFAULT-VALUE}).")
    private long cbwTimeoutMillis = AgentOptions.CBW_TIMEOUT_MILLIS_DEFAULT;

    @Option(
            names = "--no-activity-log",
            description = "Keep no log of the regions that guests write: a first write into a region waits for nothing"
                    + " then, but a crash of the host makes all bitmaps inconsistent.")
    private boolean noActivityLog;

    @Option(
            names = "--hot-regions",
            paramLabel = "COUNT",
            description = "How many regions of 4 MiB of a drive may be written before the log has to forget some"
                    + " (default: ${DEFAULT-VALUE}).")
    private int hotRegionsMax = ActivityOptions.HOT_REGIONS_MAX_DEFAULT;

    @Parameters(
            paramLabel = "DRIVE",
            arity = "1..*",
            description = "NAME=PATH[,format=raw|qcow2|nbd][,backing=on][,exclusive=on][,incoming=on]"
                    + "[,granularity=BYTES]")
    private List<String> drives = List.of();

    CaptureVerb(Surroundings surroundings) {
        this.surroundings = surroundings;
    }

    @Override
    public Integer call() throws IOException, InterruptedException {
        CaptureConfig config = config();
        AgentSurroundings agent = new AgentSurroundings(
                new ExportRegistry(), InstantSource.system(), System::nanoTime, new SecureRandom(), Host.boot());
        try (var life = role.begin(surroundings);
                var capture = CaptureRole.start(config, agent)) {
            life.onEnd(capture::quit);
            capture.notices().forEach(notice -> surroundings.err().println("varve capture: " + notice + "."));
            life.serves(
                    capture.nbdAddresses().getFirst().toString(),
                    "The agent serves " + (drives.size() - capture.notices().size()) + " drive(s) on "
                            + capture.nbdAddresses() + ".");
            capture.awaitQuit();
        }
        return ExitCode.DONE.code();
    }

    private CaptureConfig config() throws IOException {
        try {
            List<NbdAddress> addresses = nbd.stream().map(NbdAddress::parse).toList();
            return new CaptureConfig(
                    agentOptions(addresses.getFirst()),
                    addresses,
                    tlsCerts.toString().isEmpty() ? Optional.<Path>empty() : Optional.of(tlsCerts),
                    qmp.stream().map(NbdAddress::parse).toList(),
                    CaptureConfig.planOf(
                            drives.stream().map(DriveArgument::parse).toList()),
                    kafka.isNamed() ? Optional.of(kafka.client()) : Optional.<Map<String, Object>>empty(),
                    "varve " + Version.number());
        } catch (IllegalArgumentException e) {
            throw new ParameterException(spec.commandLine(), String.valueOf(e.getMessage()), e);
        }
    }

    private AgentOptions agentOptions(NbdAddress first) {
        if (exportAddress.isEmpty() && first instanceof NbdAddress.Tcp(String host, int port) && port == 0) {
            throw new IllegalArgumentException(
                    "port 0 of " + host + " is any port, which sinks can't know; name one, or say --export-address");
        }
        return new AgentOptions(
                state,
                live.toString().isEmpty() ? Host.liveDirectory(state) : live,
                fleece.toString().isEmpty() ? state : fleece,
                fleeceBytesMax,
                cbwTimeoutMillis,
                exportAddress.isEmpty()
                        ? first.toString()
                        : NbdAddress.parse(exportAddress).toString(),
                new ActivityOptions(!noActivityLog, hotRegionsMax));
    }
}

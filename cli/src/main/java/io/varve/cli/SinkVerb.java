package io.varve.cli;

import io.varve.sink.SinkConfig;
import io.varve.sink.SinkRole;
import io.varve.transfer.CopyBudget;
import io.varve.transfer.nbd.TlsCredentials;
import io.varve.transfer.source.NbdSourceOptions;
import java.io.IOException;
import java.nio.file.Path;
import java.security.SecureRandom;
import java.time.Duration;
import java.time.InstantSource;
import java.util.concurrent.Callable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.ParameterException;
import picocli.CommandLine.Spec;

/** Runs the sink role until it's interrupted or fails. */
@Command(
        name = "sink",
        description = "Run the sink role: copy backups into the archive, and write the decisions.",
        mixinStandardHelpOptions = true)
final class SinkVerb implements Callable<Integer> {

    private final Surroundings surroundings;

    @Spec
    private CommandSpec spec;

    @Mixin
    private KafkaOptions kafka;

    @Mixin
    private ArchiveOptions archive;

    @Mixin
    private RoleOptions role;

    @Option(
            names = "--workers",
            paramLabel = "N",
            defaultValue = "" + SinkConfig.DEFAULT_WORKERS,
            description = "Tasks at the same time, each with up to about 64 MiB of memory (default: ${DEFAULT-VALUE}).")
    private int workers;

    @Option(
            names = "--heartbeat",
            paramLabel = "TIME",
            converter = DurationConverter.class,
            defaultValue = "5s",
            description = "How often a copy says how far it is (default: ${DEFAULT-VALUE}).")
    private Duration heartbeat;

    @Option(
            names = "--tls-certs",
            paramLabel = "DIR",
            description = "Encrypt all connections to agents by TCP, with certificates: DIR has ca-cert.pem,"
                    + " client-cert.pem and client-key.pem, as for QEMU's tls-creds-x509.")
    private Path tlsCerts = Path.of("");

    SinkVerb(Surroundings surroundings) {
        this.surroundings = surroundings;
    }

    @Override
    public Integer call() throws IOException, VerbFailedException, InterruptedException {
        SinkConfig config = config();
        kafka.checkAnswers();
        try (var life = role.begin(surroundings);
                var sink = SinkRole.start(config, InstantSource.system(), new SecureRandom())) {
            life.onEnd(sink::close);
            life.serves(
                    config.bootstrapServers(),
                    "The sink serves: from Kafka at " + config.bootstrapServers() + " into "
                            + config.archive().location() + ".");
            var failure = sink.awaitEnd();
            if (failure.isPresent()) {
                throw new VerbFailedException(
                        "The sink failed: " + failure.get().getMessage() + "; its log says more.", failure.get());
            }
            return ExitCode.DONE.code();
        }
    }

    private SinkConfig config() throws IOException {
        try {
            return new SinkConfig(
                    kafka.bootstrapServers(),
                    archive.settings(surroundings.environment()),
                    workers,
                    CopyBudget.DEFAULT,
                    heartbeat,
                    source(),
                    kafka.settings());
        } catch (IllegalArgumentException e) {
            throw new ParameterException(spec.commandLine(), String.valueOf(e.getMessage()), e);
        }
    }

    private NbdSourceOptions source() throws IOException {
        return tlsCerts.toString().isEmpty()
                ? NbdSourceOptions.DEFAULT
                : NbdSourceOptions.DEFAULT.withTls(TlsCredentials.client(tlsCerts));
    }
}

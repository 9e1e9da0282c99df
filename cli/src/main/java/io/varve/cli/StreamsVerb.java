package io.varve.cli;

import io.varve.streams.StreamsRole;
import io.varve.streams.StreamsRoleConfig;
import java.nio.file.Path;
import java.time.Duration;
import java.util.concurrent.Callable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.ParameterException;
import picocli.CommandLine.Spec;

/** Runs the streams role until it's interrupted or fails. */
@Command(
        name = "streams",
        description = "Run the streams role: fold the log, gather sync points, send the sinks' tasks.",
        mixinStandardHelpOptions = true)
final class StreamsVerb implements Callable<Integer> {

    private static final Duration START_PATIENCE = Duration.ofSeconds(80);

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
            description = "Folder of the stores, one process each; rebuilt from Kafka when it's empty.")
    private Path state;

    @Option(
            names = "--application-id",
            paramLabel = "NAME",
            defaultValue = StreamsRoleConfig.DEFAULT_APPLICATION_ID,
            description = "The same for all processes that share the work (default: ${DEFAULT-VALUE}).")
    private String applicationId;

    @Option(
            names = "--commit-interval",
            paramLabel = "TIME",
            converter = DurationConverter.class,
            defaultValue = "5s",
            description = "How often what was done is recorded (default: ${DEFAULT-VALUE}).")
    private Duration commitInterval;

    @Option(
            names = "--silence",
            paramLabel = "TIME",
            converter = DurationConverter.class,
            defaultValue = "60s",
            description = "After how long without a word a task is sent again (default: ${DEFAULT-VALUE}).")
    private Duration silence;

    @Option(
            names = "--threads",
            paramLabel = "N",
            defaultValue = "1",
            description = "Threads that share the partitions (default: ${DEFAULT-VALUE}).")
    private int threads;

    StreamsVerb(Surroundings surroundings) {
        this.surroundings = surroundings;
    }

    @Override
    public Integer call() throws VerbFailedException, InterruptedException {
        var config = config();
        kafka.checkAnswers();
        try (var life = role.begin(surroundings);
                var streams = StreamsRole.start(config)) {
            life.onEnd(streams::close);
            if (streams.awaitRunning(START_PATIENCE)) {
                life.serves(
                        config.bootstrapServers(),
                        "The streams role serves on Kafka at " + config.bootstrapServers() + ".");
            } else {
                streams.close();
            }
            var failure = streams.awaitEnd();
            if (failure.isPresent()) {
                throw new VerbFailedException(
                        "The streams role failed: " + failure.get().getMessage() + "; its log says more.",
                        failure.get());
            }
            return ExitCode.DONE.code();
        }
    }

    private StreamsRoleConfig config() {
        try {
            return new StreamsRoleConfig(
                    kafka.bootstrapServers(), applicationId, state, commitInterval, silence, threads, kafka.settings());
        } catch (IllegalArgumentException e) {
            throw new ParameterException(spec.commandLine(), String.valueOf(e.getMessage()), e);
        }
    }
}

package io.varve.cli;

import io.varve.capture.CaptureConfig;
import io.varve.capture.CaptureRole;
import io.varve.capture.Host;
import io.varve.capture.ServerConfig;
import io.varve.capture.nbd.ExportRegistry;
import io.varve.capture.tracking.AgentSurroundings;
import java.io.IOException;
import java.nio.file.Path;
import java.security.SecureRandom;
import java.time.InstantSource;
import java.util.concurrent.Callable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Parameters;

/** Runs an agent as a file describes it, without Kafka: for QEMU's own block tests. */
@Command(
        name = "serve",
        hidden = true,
        description = "Run a capture agent as a JSON file describes it.",
        mixinStandardHelpOptions = true)
final class ServeVerb implements Callable<Integer> {

    private final Surroundings surroundings;

    @Mixin
    private RoleOptions role;

    @Parameters(paramLabel = "CONFIG", description = "A JSON file.")
    private Path config;

    ServeVerb(Surroundings surroundings) {
        this.surroundings = surroundings;
    }

    private void print(String text) {
        surroundings.out().print(text);
        surroundings.out().flush();
    }

    @Override
    public Integer call() throws IOException, InterruptedException {
        CaptureConfig described = ServerConfig.read(config, "varve " + Version.number());
        AgentSurroundings agent = new AgentSurroundings(
                new ExportRegistry(), InstantSource.system(), System::nanoTime, new SecureRandom(), Host.boot());
        try (var life = role.begin(surroundings);
                var capture = CaptureRole.start(described, agent, this::print)) {
            life.onEnd(capture::quit);
            capture.awaitQuit();
        }
        return ExitCode.DONE.code();
    }
}

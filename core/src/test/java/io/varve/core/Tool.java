package io.varve.core;

import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.concurrent.TimeUnit;

/** Runs a real tool, such as qemu-img, to its end. */
public final class Tool {
    private static final long TIMEOUT_SECONDS = 60;

    private Tool() {}

    /** How it ended, and what it wrote to both its outputs. */
    public record Result(int exitCode, String output) {
        /** The output of a run that went well. */
        public String success() {
            if (exitCode != 0) {
                throw new AssertionError("exit code " + exitCode + ": " + output);
            }
            return output;
        }
    }

    /** Runs a command, for a minute at most. */
    public static Result run(String... command) throws IOException, InterruptedException {
        Path output = Files.createTempFile("varve-tool", ".out");
        try {
            Process process = new ProcessBuilder(List.of(command))
                    .redirectErrorStream(true)
                    .redirectOutput(output.toFile())
                    .start();
            if (!process.waitFor(TIMEOUT_SECONDS, TimeUnit.SECONDS)) {
                process.destroyForcibly();
                throw new AssertionError("no end of " + List.of(command));
            }
            return new Result(process.exitValue(), Files.readString(output, StandardCharsets.UTF_8));
        } finally {
            Files.delete(output);
        }
    }
}

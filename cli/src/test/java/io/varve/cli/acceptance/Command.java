package io.varve.cli.acceptance;

import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.util.List;
import java.util.concurrent.TimeUnit;

/** Runs programs of others to their end. */
final class Command {
    private static final long PATIENCE_SECONDS = 120;

    private Command() {}

    /** What a program said and its exit code. */
    record Said(int exitCode, String text) {
        /** What it said, if it was content. */
        String well() {
            if (exitCode != 0) {
                throw new AssertionError("exit code " + exitCode + ": " + text);
            }
            return text;
        }
    }

    static Said run(String... command) throws IOException, InterruptedException {
        return run(List.of(command));
    }

    static Said run(List<String> command) throws IOException, InterruptedException {
        Process process = new ProcessBuilder(command).redirectErrorStream(true).start();
        process.getOutputStream().close();
        String text = new String(process.getInputStream().readAllBytes(), StandardCharsets.UTF_8);
        if (!process.waitFor(PATIENCE_SECONDS, TimeUnit.SECONDS)) {
            process.destroyForcibly();
            throw new AssertionError(command + " didn't end");
        }
        return new Said(process.exitValue(), text);
    }
}

package io.varve.cli;

import io.varve.cli.quickstart.Quickstart;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.security.SecureRandom;
import java.util.concurrent.Callable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Option;

/** The verb {@code quickstart}. */
@Command(
        name = "quickstart",
        description = "Run the whole pipeline on this machine, in a temporary folder, proving itself.",
        mixinStandardHelpOptions = true,
        footer = "It needs about 2 GiB of memory and 2 GiB of disk, and leaves its folder for you to look at.")
final class QuickstartVerb implements Callable<Integer> {
    private final Surroundings surroundings;

    @Option(names = "--data", paramLabel = "DIR", description = "An empty or new folder; else a temporary one.")
    private Path folder = Path.of("");

    @Option(names = "--seed", paramLabel = "N", description = "What the writers draw their writes from.")
    private long seed;

    QuickstartVerb(Surroundings surroundings) {
        this.surroundings = surroundings;
    }

    @Override
    public Integer call() throws IOException, InterruptedException {
        long chosen = seed != 0 ? seed : new SecureRandom().nextInt(1, Integer.MAX_VALUE);
        return new Quickstart(folder(), surroundings.out(), chosen).run()
                ? ExitCode.DONE.code()
                : ExitCode.FAILED.code();
    }

    private Path folder() throws IOException {
        if (folder.toString().isEmpty()) {
            return Files.createTempDirectory("varve-quickstart-");
        }
        Path made = Files.createDirectories(folder);
        try (var entries = Files.list(made)) {
            if (entries.findAny().isPresent()) {
                throw new IOException("the folder '" + made + "' isn't empty; name another one with --data");
            }
        }
        return made.toAbsolutePath();
    }
}

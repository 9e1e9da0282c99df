package io.varve.cli.acceptance;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.json.JsonMapper;
import io.varve.cli.stack.Stack;
import io.varve.cli.stack.StackConfig;
import io.varve.cli.stack.StackRole;
import io.varve.embedded.stack.JvmOptions;
import java.io.IOException;
import java.io.RandomAccessFile;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.EnumSet;
import java.util.List;

/** A whole stack with two drives, whose sink reaches the S3 server through a {@link FaultProxy}. */
final class TestStack implements AutoCloseable {
    static final List<String> DRIVES = List.of("drive0", "drive1");
    static final long DRIVE_BYTES = 64L << 20;

    private final Path folder;
    private final Stack stack;
    private final FaultProxy proxy;

    private TestStack(Path folder, Stack stack, FaultProxy proxy) {
        this.folder = folder;
        this.stack = stack;
        this.proxy = proxy;
    }

    static TestStack start(Path folder) throws IOException, InterruptedException {
        List<String> drives = new ArrayList<>();
        for (String drive : DRIVES) {
            Path image = folder.resolve(drive + ".raw");
            try (RandomAccessFile file = new RandomAccessFile(image.toFile(), "rw")) {
                file.setLength(DRIVE_BYTES);
            }
            drives.add(drive + "=" + image);
        }
        StackConfig config = StackConfig.of(folder.resolve("data"), drives)
                .withRoles(EnumSet.of(StackRole.STREAMS, StackRole.CAPTURE));
        Stack stack = Stack.start(config, System.out);
        try {
            FaultProxy proxy = FaultProxy.before(stack.s3Endpoint());
            stack.startRole(
                    StackRole.SINK, List.of("--s3-endpoint", proxy.endpoint().toString()));
            return new TestStack(folder, stack, proxy);
        } catch (IOException | InterruptedException | RuntimeException e) {
            stack.close();
            throw e;
        }
    }

    Stack stack() {
        return stack;
    }

    FaultProxy proxy() {
        return proxy;
    }

    /** The drive's image, which the agent alone writes. */
    Path image(String drive) {
        return folder.resolve(drive + ".raw");
    }

    /** Runs the command in a process of its own, with the stack's configuration. */
    Command.Said varve(String... arguments) throws IOException, InterruptedException {
        List<String> command = new ArrayList<>();
        command.add(Path.of(System.getProperty("java.home"), "bin", "java").toString());
        command.addAll(JvmOptions.COMMON);
        command.addAll(List.of("-cp", System.getProperty("java.class.path"), "io.varve.cli.VarveMain"));
        command.addAll(List.of(arguments));
        command.addAll(List.of("--config", stack.properties().toString()));
        return Command.run(command);
    }

    /** What {@code varve backup --json} says, whatever its exit code. */
    JsonNode backup(String... options) throws IOException, InterruptedException {
        List<String> arguments = new ArrayList<>(List.of("backup", "--json"));
        arguments.addAll(List.of(options));
        Command.Said said = varve(arguments.toArray(String[]::new));
        int brace = said.text().indexOf('{');
        if (brace < 0) {
            throw new AssertionError("varve backup said: " + said.text());
        }
        return new JsonMapper().readTree(said.text().substring(brace));
    }

    /** Restores a sync point and compares each drive with its image, which must not be written meanwhile. */
    void mustRestoreToTheImages(String syncPoint) throws IOException, InterruptedException {
        Path to = folder.resolve("restored-" + syncPoint);
        varve("restore", "--sync-point", syncPoint, "--to", to.toString()).well();
        for (String drive : DRIVES) {
            Path restored = to.resolve(drive + ".raw");
            long difference = Files.mismatch(restored, image(drive));
            if (difference >= 0) {
                throw new AssertionError(drive + " at " + syncPoint + " differs from its image at " + difference);
            }
            Files.delete(restored);
        }
        Files.delete(to);
    }

    /** Writes with the real qemu-io; each command as qemu-io takes it. */
    void qemuIo(String drive, String... commands) throws IOException, InterruptedException {
        List<String> command = new ArrayList<>(List.of("qemu-io", "-f", "raw"));
        for (String each : commands) {
            command.addAll(List.of("-c", each));
        }
        command.add(stack.unixExport(drive).toString());
        Command.run(command).well();
    }

    @Override
    public void close() throws IOException {
        stack.close();
        proxy.close();
    }
}

package io.varve.cli.quickstart;

import io.varve.archive.Manifest;
import io.varve.archive.Manifests;
import io.varve.archive.store.ObjectKey;
import io.varve.archive.store.ObjectStore;
import io.varve.core.commit.ManifestRef;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.channels.FileChannel;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.List;
import java.util.Optional;

/**
 * A second opinion: downloads the images of a chain as they are in the bucket, side by side, and has the real qemu-img
 * check the last one and compare it with what was restored.
 */
final class QemuImages {
    private static final int READ_BYTES = 8 << 20;

    private final ObjectStore store;
    private final Path folder;

    private QemuImages(ObjectStore store, Path folder) {
        this.store = store;
        this.folder = folder;
    }

    /** The second opinion; empty when there is no qemu-img on this machine. */
    static Optional<QemuImages> find(ObjectStore store, Path folder) throws IOException, InterruptedException {
        try {
            run("qemu-img", "--version");
            return Optional.of(new QemuImages(store, folder));
        } catch (IOException e) {
            return Optional.empty();
        }
    }

    /** What qemu-img says against the chain that ends with {@code head}; empty when it's content. */
    Optional<String> objection(ManifestRef head, Path restored) throws IOException, InterruptedException {
        List<Manifest> chain = new Manifests(store).chain(head);
        for (Manifest manifest : chain) {
            download(manifest.data().key(), manifest.data().lengthBytes());
        }
        String image = file(chain.getFirst().data().key()).toString();
        Answer check = run("qemu-img", "check", "-q", "-f", "qcow2", image);
        if (check.exitCode() != 0) {
            return Optional.of("qemu-img check says: " + check.text());
        }
        Answer compare = run("qemu-img", "compare", "-q", "-f", "raw", "-F", "qcow2", restored.toString(), image);
        return compare.exitCode() == 0 ? Optional.empty() : Optional.of("qemu-img compare says: " + compare.text());
    }

    private Path file(ObjectKey key) {
        return folder.resolve(key.value());
    }

    private void download(ObjectKey key, long lengthBytes) throws IOException {
        Path file = file(key);
        if (Files.exists(file)) {
            return;
        }
        Files.createDirectories(file.resolveSibling("."));
        ByteBuffer buffer = ByteBuffer.allocate(READ_BYTES);
        try (FileChannel channel = FileChannel.open(file, StandardOpenOption.CREATE_NEW, StandardOpenOption.WRITE)) {
            for (long offsetBytes = 0; offsetBytes < lengthBytes; offsetBytes += buffer.limit()) {
                buffer.clear().limit((int) Math.min(READ_BYTES, lengthBytes - offsetBytes));
                store.read(key, offsetBytes, buffer);
                buffer.flip();
                while (buffer.hasRemaining()) {
                    channel.write(buffer);
                }
            }
        }
    }

    private record Answer(int exitCode, String text) {}

    private static Answer run(String... command) throws IOException, InterruptedException {
        Process process = new ProcessBuilder(command).redirectErrorStream(true).start();
        process.getOutputStream().close();
        String text = new String(process.getInputStream().readAllBytes(), StandardCharsets.UTF_8);
        return new Answer(process.waitFor(), text.strip());
    }
}

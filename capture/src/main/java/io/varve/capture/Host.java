package io.varve.capture;

import io.varve.archive.store.Sha256;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.UUID;

/** What an agent must know of its host: which boot this is, and where memory-backed storage is. */
public final class Host {
    private static final Path BOOT_ID = Path.of("/proc/sys/kernel/random/boot_id");
    private static final Path SHARED_MEMORY = Path.of("/dev/shm");
    private static final int NAME_DIGITS = 16;

    private Host() {}

    /**
     * The boot id: another one after each start of the host.
     *
     * @throws IOException when the kernel doesn't tell
     */
    public static UUID boot() throws IOException {
        try {
            return UUID.fromString(Files.readString(BOOT_ID).strip());
        } catch (IllegalArgumentException e) {
            throw new IOException("'" + BOOT_ID + "' holds no boot id; Varve's agent needs a Linux kernel's", e);
        }
    }

    /**
     * Where the live sets of an agent with this state directory go when nobody says where: on memory-backed storage,
     * which outlives the process but not the host, under a name that follows from the directory's.
     */
    public static Path liveDirectory(Path stateDirectory) {
        Path absolute = stateDirectory.toAbsolutePath().normalize();
        if (!Files.isWritable(SHARED_MEMORY)) {
            return absolute.resolve("live");
        }
        String digest =
                Sha256.of(absolute.toString().getBytes(StandardCharsets.UTF_8)).hex();
        return SHARED_MEMORY.resolve("varve-" + digest.substring(0, NAME_DIGITS));
    }
}

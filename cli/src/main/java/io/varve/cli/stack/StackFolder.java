package io.varve.cli.stack;

import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;

/** Where a stack keeps what in its folder. */
record StackFolder(Path root) {

    /** sockaddr_un's sun_path without its final zero (unix(7)). */
    private static final int SOCKET_PATH_MAX_BYTES = 107;

    /**
     * Makes the folder and looks whether its sockets' names fit.
     *
     * @throws IOException in one sentence
     */
    static StackFolder make(Path root) throws IOException {
        var folder = new StackFolder(root);
        int lengthBytes = folder.qmpSocket().toString().getBytes(StandardCharsets.UTF_8).length;
        if (lengthBytes > SOCKET_PATH_MAX_BYTES) {
            throw new IOException("The folder " + root + " has too long a path for a socket in it, whose own may have "
                    + SOCKET_PATH_MAX_BYTES + " bytes, not " + lengthBytes + "; name a shorter one with --data");
        }
        if (Files.exists(root) && !Files.isDirectory(root)) {
            throw new IOException(root + " is no folder; name one with --data");
        }
        Files.createDirectories(folder.pids());
        Files.createDirectories(folder.agent());
        Files.createDirectories(root.resolve("logs"));
        return folder;
    }

    Path lock() {
        return root.resolve("lock");
    }

    Path properties() {
        return root.resolve("varve.properties");
    }

    Path credentials() {
        return root.resolve("s3-credentials.properties");
    }

    Path pids() {
        return root.resolve("pids");
    }

    Path log(String member) {
        return root.resolve("logs").resolve(member + ".log");
    }

    Path broker() {
        return root.resolve("broker");
    }

    Path store() {
        return root.resolve("store");
    }

    Path streams() {
        return root.resolve("streams");
    }

    Path agent() {
        return root.resolve("agent");
    }

    Path nbdSocket() {
        return root.resolve("agent.nbd");
    }

    Path qmpSocket() {
        return root.resolve("agent.qmp");
    }
}

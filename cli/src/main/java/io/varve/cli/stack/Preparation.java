package io.varve.cli.stack;

import io.varve.archive.ArchiveSettings;
import io.varve.capture.DriveArgument;
import io.varve.capture.backend.BackendAccess;
import io.varve.embedded.stack.S3Credentials;
import java.io.IOException;
import java.nio.file.Files;
import java.security.SecureRandom;
import java.util.HashMap;
import java.util.Map;

/** A folder that is ready for a stack, with the addresses and the key pair of the last one that ran there. */
record Preparation(StackFolder folder, FolderLock lock, Pids pids, Addresses addresses, S3Credentials credentials) {

    /**
     * Takes the folder and writes the files that the other verbs find the stack by.
     *
     * @throws IOException in one sentence; nothing is held then
     */
    static Preparation make(StackConfig config) throws IOException, InterruptedException {
        var folder = StackFolder.make(config.folder());
        var lock = FolderLock.take(folder);
        try {
            var pids = new Pids(folder.pids());
            pids.awaitGone();
            checkImages(config);
            return new Preparation(folder, lock, pids, addresses(folder), credentials(folder));
        } catch (IOException | InterruptedException | RuntimeException e) {
            lock.close();
            throw e;
        }
    }

    /** Looks whether the agent will get the images, before anything is started for it. */
    private static void checkImages(StackConfig config) throws IOException {
        for (var drive : config.drives()) {
            DriveArgument.parse(drive)
                    .open(BackendAccess.READ_WRITE, System::nanoTime)
                    .close();
        }
    }

    private static Addresses addresses(StackFolder folder) throws IOException {
        var kept = PrivateFile.read(folder.properties());
        var addresses = Addresses.choose(folder, kept);
        // What else stands there, for example Kafka's client settings, is the user's.
        Map<String, String> values = new HashMap<>();
        kept.stringPropertyNames().forEach(name -> values.put(name, kept.getProperty(name)));
        values.putAll(addresses.toProperties());
        PrivateFile.write(folder.properties(), values, "Kept by 'varve up'; its ports stay as they are here.");
        return addresses;
    }

    private static S3Credentials credentials(StackFolder folder) throws IOException {
        if (!Files.exists(folder.credentials())) {
            var pair = S3Credentials.random(new SecureRandom());
            var values =
                    Map.of(ArchiveSettings.ACCESS_KEY, pair.accessKey(), ArchiveSettings.SECRET_KEY, pair.secretKey());
            PrivateFile.write(folder.credentials(), values, "The key pair of the embedded S3 server.");
            return pair;
        }
        var kept = PrivateFile.read(folder.credentials());
        var accessKey = kept.getProperty(ArchiveSettings.ACCESS_KEY, "");
        var secretKey = kept.getProperty(ArchiveSettings.SECRET_KEY, "");
        if (accessKey.isBlank() || secretKey.isBlank()) {
            throw new IOException("The credentials file " + folder.credentials() + " must hold "
                    + ArchiveSettings.ACCESS_KEY + " and " + ArchiveSettings.SECRET_KEY
                    + "; remove it to get a new key pair");
        }
        return new S3Credentials(accessKey, secretKey);
    }
}

package io.varve.capture.tracking;

import io.varve.capture.backend.Backend;
import io.varve.core.drive.ImageIdentity;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.BasicFileAttributes;
import java.nio.file.attribute.FileTime;
import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;
import java.util.HexFormat;

/** Tells whether an image is as it was left. */
final class ImageIdentities {
    private static final int SAMPLES = 64;
    private static final int SAMPLE_BYTES = 4096;

    /** Another server tells nothing of its image's file. */
    private static final String REMOTE_FILE = "remote";

    private ImageIdentities() {}

    /** The identity of the image now, after a flush. */
    static ImageIdentity of(DriveImage image) throws IOException {
        String sample = sampleSha256(image.backend().undisturbed());
        if (image.file().isEmpty()) {
            return new ImageIdentity(image.name(), REMOTE_FILE, 0, sample);
        }
        BasicFileAttributes attributes = Files.readAttributes(image.file().get(), BasicFileAttributes.class);
        return new ImageIdentity(
                image.name(),
                String.valueOf(attributes.fileKey()),
                attributes.lastModifiedTime().toMillis(),
                sample,
                changedMillis(image.file().get()));
    }

    /**
     * When the file or its attributes were changed last, in milliseconds since the epoch; unlike the time of the last
     * modification, nobody can set it: it tells of a copy that came with the times of its original.
     */
    static long changedMillis(Path path) throws IOException {
        return ((FileTime) Files.getAttribute(path, "unix:ctime")).toMillis();
    }

    /**
     * Whether nobody changed the image between the two. A device and another server don't tell, so that is never known
     * of them, unless they're declared to be Varve's alone: then what could show a mistake still has to agree.
     */
    static boolean isUnchanged(DriveImage image, ImageIdentity before, ImageIdentity now) {
        boolean isSameContent = before.sampleSha256().equals(now.sampleSha256());
        if (image.isRegularFile()) {
            return isSameContent
                    && before.fileKey().equals(now.fileKey())
                    && before.modifiedMillis() == now.modifiedMillis()
                    && (before.changedMillis() == 0 || before.changedMillis() == now.changedMillis());
        }
        return isSameContent && image.isExclusive() && before.path().equals(now.path());
    }

    private static String sampleSha256(Backend backend) throws IOException {
        MessageDigest sha256 = sha256();
        ByteBuffer sample = ByteBuffer.allocate(SAMPLE_BYTES);
        long sizeBytes = backend.sizeBytes();
        for (int index = 0; index < SAMPLES; index++) {
            long offsetBytes = sizeBytes / SAMPLES * index / SAMPLE_BYTES * SAMPLE_BYTES;
            sample.clear().limit((int) Math.min(SAMPLE_BYTES, sizeBytes - offsetBytes));
            backend.read(offsetBytes, sample);
            sha256.update(sample.flip());
        }
        return HexFormat.of().formatHex(sha256.digest());
    }

    private static MessageDigest sha256() {
        try {
            return MessageDigest.getInstance("SHA-256");
        } catch (NoSuchAlgorithmException e) {
            throw new IllegalStateException("every Java platform has SHA-256", e);
        }
    }
}

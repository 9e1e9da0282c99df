package io.varve.core.drive;

/**
 * What tells one state of an image from another while nobody is attached.
 *
 * @param fileKey the file system's identity of the file (device and inode)
 * @param modifiedMillis the file's last modification, milliseconds since the epoch
 * @param sampleSha256 of some sampled blocks
 * @param changedMillis when the file or its attributes were changed last, which nobody can set, as above; 0 when it's
 *     not known
 */
public record ImageIdentity(String path, String fileKey, long modifiedMillis, String sampleSha256, long changedMillis) {
    /** One whose change of attributes isn't known. */
    public ImageIdentity(String path, String fileKey, long modifiedMillis, String sampleSha256) {
        this(path, fileKey, modifiedMillis, sampleSha256, 0);
    }
}

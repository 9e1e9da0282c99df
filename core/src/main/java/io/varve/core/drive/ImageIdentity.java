package io.varve.core.drive;

/**
 * What tells one state of an image from another while nobody is attached.
 *
 * @param fileKey the file system's identity of the file (device and inode)
 * @param modifiedMillis the file's last modification, milliseconds since the epoch
 * @param sampleSha256 of some sampled blocks
 */
public record ImageIdentity(String path, String fileKey, long modifiedMillis, String sampleSha256) {}

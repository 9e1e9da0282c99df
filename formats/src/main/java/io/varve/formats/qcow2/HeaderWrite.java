package io.varve.formats.qcow2;

import java.nio.ByteBuffer;

/**
 * A change of an image's metadata, durable before the next.
 *
 * @param bytes to be written from its position on; nobody changes them
 */
public record HeaderWrite(long offsetBytes, ByteBuffer bytes) {}

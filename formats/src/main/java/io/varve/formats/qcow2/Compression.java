package io.varve.formats.qcow2;

/** How an image's compressed clusters are packed (qcow2.txt, "compression_type"). */
public enum Compression {
    /** Raw deflate, without zlib's header. */
    DEFLATE,
    ZSTD
}

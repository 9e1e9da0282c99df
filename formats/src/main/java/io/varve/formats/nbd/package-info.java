/** The NBD protocol: addresses, both sides of the fixed newstyle handshake, requests and replies, without any I/O. */
@NullMarked
package io.varve.formats.nbd;

import org.jspecify.annotations.NullMarked;

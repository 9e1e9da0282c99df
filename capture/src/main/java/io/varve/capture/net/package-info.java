/** Sockets that the agent's servers listen on. */
@NullMarked
package io.varve.capture.net;

import org.jspecify.annotations.NullMarked;

/** A disk of the tests that loses power: what wasn't made durable is kept, lost or torn. */
@NullMarked
package io.varve.capture.power;

import org.jspecify.annotations.NullMarked;

/** The domain. */
@NullMarked
package io.varve.core;

import org.jspecify.annotations.NullMarked;

/** The fold of the log, and what its effects ask for: marks kept in pages, seals and cuts checked, parts offered. */
@NullMarked
package io.varve.streams.fold;

import org.jspecify.annotations.NullMarked;

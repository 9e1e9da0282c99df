/** The quickstart: the whole pipeline on this machine, proving itself against its own writers' memory. */
@NullMarked
package io.varve.cli.quickstart;

import org.jspecify.annotations.NullMarked;

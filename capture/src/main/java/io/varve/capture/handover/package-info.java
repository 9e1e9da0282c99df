/** How a drive goes from one running agent to another: what is carried, and who serves it meanwhile. */
@NullMarked
package io.varve.capture.handover;

import org.jspecify.annotations.NullMarked;

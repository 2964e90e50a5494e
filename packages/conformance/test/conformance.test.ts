import { conformance } from '@qsparse/conformance';
import { referenceDevice } from '@qsparse/core/reference';

// The reference device against itself: the cases are well formed, and what a device has besides ops holds too.
conformance(async () => referenceDevice());

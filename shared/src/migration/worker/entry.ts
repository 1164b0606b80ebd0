import { serve } from './serve.ts';

// The worker as a program of its own, for runs from sources.
serve();

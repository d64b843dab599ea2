// One log for all calls of the process.
[assembly: CollectionBehavior(DisableTestParallelization = true)]

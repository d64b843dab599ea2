namespace AstStream.Kafka.Transactions;

/// <summary>Where a lease of a partition stands. It goes from one to the next only, or from any to its end.</summary>
internal enum LeaseState
{
    /// <summary>Where to go on is being read: no record of it is taken yet.</summary>
    Loading,

    /// <summary>Records of it are taken.</summary>
    Ready,

    /// <summary>It is somebody else's, or taken up again: nothing more of it is published here.</summary>
    Ended,
}

using AstStream.Events;
using AstStream.Station.Live;
using AstStream.Station.Store;

namespace AstStream.Station.Web;

/// <summary>What is served.</summary>
internal sealed record WebSource
{
    /// <summary>The store.</summary>
    public required string Store { get; init; }

    /// <summary>The full path of a clip's file, from what the store says of it.</summary>
    public required Func<string, string> ClipPath { get; init; }

    /// <summary>The streams as they are now.</summary>
    public required LiveStreams Streams { get; init; }

    /// <summary>Events as they come.</summary>
    public required EventFeed Feed { get; init; }

    /// <summary>Those who look at what passes.</summary>
    public required Taps Taps { get; init; }

    /// <summary>Writes to the store.</summary>
    public required Action<Action<StoreWriter>> Write { get; init; }

    /// <summary>Hears reviews, after they are written.</summary>
    public Action<IReadOnlyList<Review>> Reviewed { get; init; } = _ => { };

    /// <summary>Sentences about clips that are missing; none where all is well.</summary>
    public required Func<IReadOnlyList<string>> ClipTroubles { get; init; }

    /// <summary>The run.</summary>
    public required RunState Run { get; init; }
}

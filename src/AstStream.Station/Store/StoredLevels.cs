using AstStream.Dsp.Levels;
using AstStream.Events;

namespace AstStream.Station.Store;

/// <summary>The levels of a stream in one minute, as they go into a store.</summary>
/// <param name="Stream">The stream.</param>
/// <param name="Minute">When the minute began.</param>
/// <param name="Levels">Its levels, in dBFS.</param>
/// <param name="Calibration">What is added to have dB SPL; null where that is not known.</param>
internal sealed record StoredLevels(StreamIdentity Stream, DateTimeOffset Minute, LevelSummary Levels, double? Calibration);

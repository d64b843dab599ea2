namespace AstStream.Events;

/// <summary>What a record of a source's input says besides its sound, and what goes on with the events that are heard in it.</summary>
/// <param name="Name">Its name.</param>
/// <param name="Value">Its bytes, as they came.</param>
public readonly record struct CarriedHeader(string Name, byte[] Value);

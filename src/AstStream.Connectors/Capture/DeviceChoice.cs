using AstStream.Connectors.Programs;

namespace AstStream.Connectors.Capture;

/// <summary>
/// Which device is meant: by its name, or a part of it that only one has (a card before a sound server's source of it); by its number as
/// the last resort; else the default one.
/// </summary>
/// <param name="Name">Its name, or a part of it; upper and lower case are the same.</param>
/// <param name="HostApi">The system that offers it; any where not given.</param>
/// <param name="Index">Its number.</param>
public sealed record DeviceChoice(string? Name, string? HostApi, int? Index)
{
    /// <inheritdoc/>
    public override string ToString() =>
        Name is not null ? $"microphone '{Name}'" + (HostApi is null ? "" : $" of {HostApi}") : Index is not null
            ? $"microphone {Index}" : HostApi is not null ? $"the default microphone of {HostApi}" : "the default microphone";

    /// <summary>Finds the device that is meant.</summary>
    /// <exception cref="LinkException">None is, or more than one.</exception>
    internal AudioDevice Pick(IReadOnlyList<AudioDevice> devices)
    {
        if (devices.Count == 0)
            throw new LinkException(
                $"{this}: this machine has no sound card that anything can be recorded from; is one plugged in, and may this user use it "
                    + $"(group audio)? aststream devices lists them");
        var list = string.Join(", ", devices.Select(d => $"'{d}'"));
        var offered = devices.Where(d => HostApi is null || d.HostApi.Equals(HostApi, StringComparison.OrdinalIgnoreCase)).ToList();
        if (HostApi is not null && offered.Count == 0)
            throw new LinkException($"{this}: there is no host API '{HostApi}' with a microphone; there are {list}");
        if (Name is { } name)
        {
            var exact = offered.Where(d => d.Name.Equals(name, StringComparison.OrdinalIgnoreCase)).ToList();
            var parts = offered.Where(d => d.Name.Contains(name, StringComparison.OrdinalIgnoreCase)).ToLookup(d => d.ServerSource is null);
            List<AudioDevice> found = exact.Count > 0 ? exact : [.. parts[true].Any() ? parts[true] : parts[false]];
            return found.Count switch
            {
                1 => found[0],
                0 => throw new LinkException($"{this}: there is no such device, or another program holds it; there are {list}"),
                _ => throw new LinkException(
                    $"{this}: {found.Count} devices match: {string.Join(", ", found.Select(d => $"'{d}'"))}; expected a longer part of "
                        + $"the name, or host_api, that only one has")
                { IsFinal = true },
            };
        }

        if (Index is { } index)
            return offered.FirstOrDefault(d => d.Index == index && d.ServerSource is null)
                ?? throw new LinkException(
                $"{this}: there is no such device; there are {string.Join(", ", devices.Select(d => $"{d.Index} '{d}'"))}");
        return offered.FirstOrDefault(d => d.IsDefault) ?? offered.FirstOrDefault(d => d.IsServerDefault) ?? offered[0];
    }
}

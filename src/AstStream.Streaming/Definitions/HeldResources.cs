namespace AstStream.Streaming.Definitions;

/// <summary>Who has what of the outside world, while a definition is read: what only one may have is not given twice.</summary>
internal sealed class HeldResources(PipelineFile file)
{
    private readonly Dictionary<(ResourceKind Kind, string Name), string> _holders = [];
    private readonly string _path = PipelineFile.RealPath(file.FullPath);

    /// <summary>Adds a component's; sources before sinks. What it can't have is noted as a problem.</summary>
    public void Add(string name, bool isSource, IReadOnlyList<Resource> resources, SectionReader section)
    {
        foreach (var resource in resources)
        {
            var isFirst = _holders.TryAdd((resource.Kind, resource.Name), name);
            if (!isFirst && resource.Kind != ResourceKind.FileToRead)
                Problem(section, resource, resource.Clash?.Invoke(_holders[(resource.Kind, resource.Name)])
                    ?? Clash(resource, isSource, _holders[(resource.Kind, resource.Name)]));
            if (resource.Kind != ResourceKind.FileToWrite)
                continue;
            if (resource.Name == _path)
                Problem(section, resource, "writes to this very file");
            if (_holders.TryGetValue((ResourceKind.FileToRead, resource.Name), out var source))
                Problem(section, resource, $"writes to {resource.Name}, which source '{source}' reads");
        }
    }

    private static string Clash(Resource resource, bool isSource, string holder)
    {
        var kind = isSource ? "source" : "sink";
        return resource.Kind == ResourceKind.FileToWrite
            ? $"writes to {resource.Name}, as {kind} '{holder}' does; give each its own"
            : $"only one {kind} can be of type {resource.Name}, and '{holder}' is";
    }

    private void Problem(SectionReader section, Resource resource, string message)
    {
        if (resource.Key is { } key)
            section.Problem(key, message);
        else
            file.Problem(section.Node, $"{section.Name}: {message}");
    }
}

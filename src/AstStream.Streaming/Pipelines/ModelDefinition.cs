using AstStream.Events;
using AstStream.Events.Decoding;
using AstStream.Model.Checkpoints;
using AstStream.Streaming.Decoding;

namespace AstStream.Streaming.Pipelines;

/// <summary>One model of a pipeline, with how its scores become events.</summary>
internal sealed record ModelDefinition(ModelSection Model, EventOptions Events)
{
    public DecodeOptions Decoding =>
        new(Model.Labels, Events, new ModelIdentity(Model.Hash, Model.Sessions[0].Precision.Word(), Model.Sessions[0].Providers[0].Word()));
}
